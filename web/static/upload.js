// Uploads many files one by one: raw bodies, three at a time, progress for each, retries under the same idempotency key.
// Without this module the form still works, as one request.
// What a person typed travels in the body or a header, never in an address.

import { byId } from "./page.js";
import { send, sha256 } from "./sending.js";

const AT_ONCE = 3;
const HASHED_BYTES_MAX = 64 * 1024 * 1024;

const form = byId("upload", HTMLFormElement);
const section = byId("progress", HTMLElement);
const rows = byId("files", HTMLTableSectionElement);
const summary = byId("summary", HTMLElement);
const retry = byId("retry", HTMLButtonElement);
const drop = byId("drop", HTMLElement);
const picker = byId("file", HTMLInputElement);
const folder = byId("folder", HTMLInputElement);
const text = /** @type {Record<string, string>} */ (section.dataset);
const told = /** @type {Record<string, string>} */ (form.dataset);

/**
 * @typedef {{ file: File, bar: HTMLProgressElement, label: HTMLElement, number: HTMLElement, digest: HTMLElement,
 *   state: "waiting" | "sending" | "stored" | "failed", key: string, metadata: Record<string, string> }} Upload
 */

/** @type {Upload[]} */
const uploads = [];
let running = 0;

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} bytes */
function sized(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: bytes < 100 && unit ? 1 : 0 });
  return `${number.format(bytes)} ${units[unit]}`;
}

/** @param {File} file */
function described(file) {
  const fields = new FormData(form);
  /** @type {Record<string, string>} */
  const metadata = { file_name: file.name };
  for (const name of ["class", "customer", "title", "dated_on", "place", "note"]) {
    const value = fields.get(name);
    if (typeof value === "string" && value) metadata[name] = value;
  }
  return metadata;
}

/**
 * @param {HTMLTableRowElement} row
 * @param {string} content
 * @param {string} className
 */
function cell(row, content = "", className = "") {
  const made = row.insertCell();
  made.className = className;
  made.textContent = content;
  return made;
}

/** @param {File} file */
function addFile(file) {
  const row = rows.insertRow();
  cell(row, file.webkitRelativePath || file.name);
  cell(row, sized(file.size), "figure");
  const state = cell(row);
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const label = document.createElement("div");
  label.textContent = text.textWaiting;
  state.append(bar, label);
  /** @type {Upload} */
  const upload = {
    file, bar, label, number: cell(row, "", "figure"), digest: cell(row), state: "waiting", key: randomKey(), metadata: described(file),
  };
  uploads.push(upload);
}

/** @param {Upload} upload */
async function run(upload) {
  upload.state = "sending";
  upload.label.className = "";
  upload.label.textContent = text.textSending;
  let digest = null;
  try {
    if (upload.file.size > Number(told.limit)) throw new Error(text.textTooLarge);
    if (upload.file.size <= HASHED_BYTES_MAX) digest = await sha256(upload.file);
    const receipt = await send({
      address: told.create,
      file: upload.file,
      metadata: upload.metadata,
      key: upload.key,
      csrf: String(new FormData(form).get("csrf_token")),
      digest,
      broken: text.textOffline,
      onProgress: (part) => {
        upload.bar.value = part;
        if (part >= 1) upload.label.textContent = text.textSealing;
      },
    });
    if (receipt.size_bytes !== upload.file.size) throw new Error(text.textFailed);
    upload.state = "stored";
    upload.bar.value = 1;
    const checked = digest && digest.hex === receipt.sha256 ? text.textChecked : text.textCounted;
    upload.label.textContent = `${receipt.replayed ? text.textReplayed : text.textStored} · ${checked}`;
    const link = document.createElement("a");
    link.href = told.record.replace(/-$/, encodeURIComponent(receipt.id));
    link.textContent = receipt.number;
    upload.number.replaceChildren(link);
    const code = document.createElement("code");
    code.className = "digest";
    code.textContent = receipt.sha256;
    upload.digest.replaceChildren(code);
  } catch (error) {
    upload.state = "failed";
    upload.label.className = "fault";
    upload.label.textContent = `${text.textFailed}: ${error instanceof Error ? error.message : text.textOffline}`;
  }
}

function pump() {
  while (running < AT_ONCE) {
    const next = uploads.find((upload) => upload.state === "waiting");
    if (!next) break;
    running += 1;
    run(next).finally(() => { running -= 1; pump(); });
  }
  const stored = uploads.filter((upload) => upload.state === "stored").length;
  const failed = uploads.some((upload) => upload.state === "failed");
  summary.textContent = text.textSummary.replace("{stored}", String(stored)).replace("{all}", String(uploads.length));
  retry.hidden = !failed || running > 0;
  section.dataset.done = running === 0 ? "yes" : "no";
}

/** @param {File[]} files */
function start(files) {
  if (!files.length || !byId("class", HTMLSelectElement).reportValidity()) return;
  for (const file of files) addFile(file);
  section.hidden = false;
  pump();
  section.scrollIntoView({ block: "start" });
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function entriesOf(entry) {
  if (entry.isFile) {
    return [await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return files;
    for (const each of batch) files.push(...(await entriesOf(each)));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start([...(picker.files ?? []), ...(folder.files ?? [])]);
  picker.value = "";
  folder.value = "";
});

// A folder alone is enough, and dropped files need neither field.
folder.addEventListener("change", () => { picker.required = !folder.files?.length; });

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over-it"); });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over-it"));
}
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  if (!event.dataTransfer) return;
  const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry?.()).filter((each) => each !== null);
  const plain = [...event.dataTransfer.files];
  const files = entries.length ? (await Promise.all(entries.map(entriesOf))).flat() : plain;
  start(files);
});

retry.addEventListener("click", () => {
  for (const upload of uploads) if (upload.state === "failed") upload.state = "waiting";
  pump();
});

window.addEventListener("beforeunload", (event) => {
  if (running > 0) event.preventDefault();
});
