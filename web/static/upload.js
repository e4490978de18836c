// The upload page: files are chosen or dropped anywhere, described in a grid, sent a few at a time, paused, gone on with, and
// told by a receipt. Without this module the form still works, as one request.

import { grid } from "./filing.js";
import { flagOf } from "./looking.js";
import { byId } from "./page.js";
import { pages } from "./paging.js";
import { receipts } from "./receipts.js";
import { fingerprint, forget, known, remember, tidy } from "./remembered.js";
import { store } from "./storing.js";
import { twins } from "./twins.js";
import { tellUnfinished } from "./unfinished.js";

const AT_ONCE = 3;
const LOOKED_AT_ONCE = 4;
// What these refuse is refused for good: the next try begins anew. A session that ran out (401, 403) throws nothing away.
const FOR_GOOD = [400, 404, 410, 413, 415, 422];
// What these refuse may be what was said of the file: the next try says what the form says then.
const SAID_WRONGLY = [400, 422];

const form = byId("upload", HTMLFormElement);
const section = byId("progress", HTMLElement);
const summary = byId("summary", HTMLElement);
const retry = byId("retry", HTMLButtonElement);
const hold = byId("hold", HTMLButtonElement);
const drop = byId("drop", HTMLElement);
const picker = byId("file", HTMLInputElement);
const folder = byId("folder", HTMLInputElement);
const text = /** @type {Record<string, string>} */ (section.dataset);
const told = /** @type {Record<string, string>} */ (form.dataset);

/**
 * @typedef {"ready" | "waiting" | "sending" | "paused" | "stored" | "failed"} State
 * @typedef {{ file: File, values: Record<string, string>, said: Record<string, string> | null, where: string | null,
 *   state: State, part: number, note: string, flag: string, filed: string, receipt: import("./sending.js").Receipt | null, checked: boolean,
 *   control: AbortController | null }} Upload
 */

/** @type {Upload[]} */
const uploads = [];
/** @type {Upload[]} */
const waiting = [];
/** @type {Map<string, string>} */
const digests = new Map();
let running = 0;

const place = {
  create: told.create, uploads: told.uploads, pieceBytes: Number(told.piece), broken: text.textOffline,
  csrf: String(new FormData(form).get("csrf_token")),
};
const shown = receipts({ rows: byId("files", HTMLTableSectionElement), text, record: told.record, onPress: press });
const askForTwins = twins({
  address: told.twins, csrf: place.csrf, onFound: (id, numbers) => {
    const upload = uploads.find((each) => each.receipt?.id === id);
    if (!upload) return;
    upload.filed = text.textFiled.replace("{numbers}", numbers.join(", "));
    shown.update(upload);
  },
});
const listed = pages({ pager: byId("files-pages", HTMLElement), size: 100, draw: (items) => shown.draw(items) });
const described = grid({
  table: byId("grid", HTMLTableElement), pager: byId("grid-pages", HTMLElement), text,
  classes: byId("class", HTMLSelectElement), onRemove: (upload) => { uploads.splice(uploads.indexOf(upload), 1); tell(); },
});

/** What is said of a file now; `said` keeps it from when it is sent, whatever becomes of the form. @param {Upload} upload */
function metadataOf(upload) {
  const fields = new FormData(form);
  /** @type {Record<string, string>} */
  const metadata = { file_name: upload.file.name };
  for (const name of ["class", "customer", "title", "dated_on", "place", "note"]) {
    const value = upload.values[name] || fields.get(name);
    if (typeof value === "string" && value) metadata[name] = value;
  }
  return metadata;
}

/** @param {Upload} upload */
async function run(upload) {
  const { file } = upload;
  const control = (upload.control = new AbortController());
  change(upload, "sending", text.textSending);
  try {
    if (file.size > Number(told.limit)) throw new Error(text.textTooLarge);
    const metadata = upload.said ?? metadataOf(upload);
    const where = (upload.where = await fingerprint(file, place.uploads, metadata));
    const before = known(where);
    remember(where, before);
    const { receipt, checked } = await store(place, file, metadata, before, control.signal, {
      onPart: (part) => { upload.part = part; shown.update(upload); if (part >= 1) note(upload, text.textSealing); },
      onWait: (isWaiting) => note(upload, isWaiting ? text.textOffline : text.textSending),
      remember: (what) => remember(where, what),
    }).catch((error) => {
      if (FOR_GOOD.includes(error.status)) forget(where);
      if (SAID_WRONGLY.includes(error.status)) upload.said = null;
      throw error;
    });
    if (receipt.size_bytes !== file.size) throw new Error(text.textFailed);
    upload.receipt = receipt;
    upload.checked = checked;
    upload.part = 1;
    const twin = digests.get(receipt.sha256);
    if (twin && twin !== receipt.number) upload.flag = "twin";
    digests.set(receipt.sha256, receipt.number);
    askForTwins(receipt.id);
    change(upload, "stored", `${receipt.replayed ? text.textReplayed : text.textStored} · ${checked ? text.textChecked : text.textCounted}`);
  } catch (error) {
    if (control.signal.aborted) change(upload, "paused", text.textPaused);
    else change(upload, "failed", `${text.textFailed}: ${error instanceof Error ? error.message : text.textOffline}`);
  }
  upload.control = null;
}

/**
 * @param {Upload} upload
 * @param {State} state
 * @param {string} words
 */
function change(upload, state, words) {
  upload.state = state;
  note(upload, words);
  tell();
}

/**
 * @param {Upload} upload
 * @param {string} words
 */
function note(upload, words) {
  upload.note = words;
  shown.update(upload);
}

/** A row's button: pauses, or goes on. @param {Upload} upload */
function press(upload) {
  if (upload.state === "waiting" || upload.state === "sending") {
    const at = waiting.indexOf(upload);
    if (at >= 0) waiting.splice(at, 1);
    if (upload.control) upload.control.abort(new Error(text.textPaused));
    else change(upload, "paused", text.textPaused);
  } else {
    send([upload]);
  }
}

/** @param {Upload[]} some */
function send(some) {
  for (const upload of some) {
    upload.said ??= metadataOf(upload);
    upload.state = "waiting";
    upload.note = text.textWaiting;
    waiting.push(upload);
  }
  listed.show(uploads.filter((upload) => upload.state !== "ready"));
  pump();
}

function pump() {
  while (running < AT_ONCE) {
    const next = waiting.shift();
    if (!next) break;
    running += 1;
    run(next).finally(() => { running -= 1; pump(); });
  }
  tell();
}

let due = false;

/** Tells what came of all, once a frame however often something changed. */
function tell() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    /** @type {Record<State, number>} */
    const count = { ready: 0, waiting: 0, sending: 0, paused: 0, stored: 0, failed: 0 };
    for (const upload of uploads) count[upload.state] += 1;
    const sent = uploads.length - count.ready;
    summary.textContent = text.textSummary.replace("{stored}", String(count.stored)).replace("{all}", String(sent));
    retry.hidden = !count.failed || running > 0;
    hold.hidden = !(count.waiting + count.sending + count.paused);
    hold.textContent = count.waiting + count.sending ? text.textPauseAll : text.textResumeAll;
    section.dataset.done = running === 0 && !waiting.length ? "yes" : "no";
    picker.required = !count.ready && !folder.files?.length;
  });
}

/** @param {File[]} files */
function add(files) {
  /** @type {Upload[]} */
  const added = files.map((file) => ({
    file, values: {}, said: null, where: null, state: "ready", part: 0, note: "", flag: "", filed: "", receipt: null, checked: false,
    control: null,
  }));
  for (const upload of added) uploads.push(upload);
  picker.required = !uploads.some((upload) => upload.state === "ready");
  described.show(uploads.filter((upload) => upload.state === "ready"));
  tell();
  look(added);
}

/** Looks at files, a few at a time, and flags what is wrong with them. @param {Upload[]} some */
async function look(some) {
  const left = [...some].reverse();
  await Promise.all(Array.from({ length: LOOKED_AT_ONCE }, async () => {
    for (let upload = left.pop(); upload; upload = left.pop()) {
      upload.flag ||= await flagOf(upload.file);
      if (!upload.flag) continue;
      described.update(upload);
      shown.update(upload);
    }
  }));
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
    for (const each of batch) for (const file of await entriesOf(each)) files.push(file);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const ready = uploads.filter((upload) => upload.state === "ready");
  if (!ready.length) return;
  described.show([]);
  section.hidden = false;
  send(ready);
  section.scrollIntoView({ block: "start" });
});

for (const chooser of [picker, folder]) {
  chooser.addEventListener("change", () => {
    add([...(chooser.files ?? [])]);
    chooser.value = "";
  });
}

// Files may be dropped anywhere on the page.
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!(/** @type {DragEvent} */ (event).dataTransfer?.types.includes("Files"))) return;
    event.preventDefault();
    drop.classList.add("over-it");
  });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over-it"); });
document.addEventListener("drop", async (event) => {
  drop.classList.remove("over-it");
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry?.() ?? null).filter((each) => each !== null);
  const plain = [...event.dataTransfer.files];
  add(entries.some((each) => each.isDirectory) ? (await Promise.all(entries.map(entriesOf))).flat() : plain);
});

retry.addEventListener("click", () => send(uploads.filter((upload) => upload.state === "failed")));
hold.addEventListener("click", () => {
  const under = uploads.filter((upload) => upload.state === "waiting" || upload.state === "sending");
  if (under.length) for (const upload of under.reverse()) press(upload);
  else send(uploads.filter((upload) => upload.state === "paused"));
});

addEventListener("beforeprint", () => shown.draw(uploads.filter((upload) => upload.state !== "ready")));
addEventListener("afterprint", () => listed.again());
addEventListener("beforeunload", (event) => { if (running > 0) event.preventDefault(); });
byId("print", HTMLButtonElement).addEventListener("click", () => print());
byId("save-json", HTMLButtonElement).addEventListener("click", () => shown.save(uploads, "json"));
byId("save-csv", HTMLButtonElement).addEventListener("click", () => shown.save(uploads, "csv"));

// What was under way when the page was left: the same files, dropped again, go on.
tidy();
const here = () => uploads.map((upload) => upload.where);
tellUnfinished({ address: told.uploads, csrf: place.csrf, text, here }).catch(() => { /* the line broke: nothing is told */ });
