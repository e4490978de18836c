// The receipt of a batch: a row for each file that is on its way or arrived, to print or to save.

/** @typedef {import("./upload.js").Upload} Upload */

/** @param {number} bytes */
export function sized(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: bytes < 100 && unit ? 1 : 0 });
  return `${number.format(bytes)} ${units[unit]}`;
}

/**
 * @param {{ rows: HTMLTableSectionElement, text: Record<string, string>, record: string, onPress: (upload: Upload) => void }} what
 */
export function receipts({ rows, text, record, onPress }) {
  /** @type {Map<Upload, { bar: HTMLProgressElement, label: HTMLElement, flag: HTMLElement, button: HTMLButtonElement,
   *   number: HTMLElement, digest: HTMLElement }>} */
  const drawn = new Map();

  /** @param {Upload} upload */
  function draw(upload) {
    const row = rows.insertRow();
    const name = row.insertCell();
    name.textContent = upload.file.webkitRelativePath || upload.file.name;
    const size = row.insertCell();
    size.className = "figure";
    size.textContent = sized(upload.file.size);
    const state = row.insertCell();
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", upload.file.name);
    const label = document.createElement("div");
    const flag = document.createElement("div");
    flag.className = "hint";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet screen-only";
    button.addEventListener("click", () => onPress(upload));
    state.append(bar, label, flag, button);
    const number = row.insertCell();
    number.className = "figure";
    drawn.set(upload, { bar, label, flag, button, number, digest: row.insertCell() });
    update(upload);
  }

  /** @param {Upload} upload */
  function update(upload) {
    const parts = drawn.get(upload);
    if (!parts) return;
    const { bar, label, flag, button, number, digest } = parts;
    if (bar.value !== upload.part) bar.value = upload.part;
    label.className = upload.state === "failed" ? "fault" : "";
    label.textContent = upload.note;
    const seen = upload.flag ? text[`flag${upload.flag[0].toUpperCase()}${upload.flag.slice(1)}`] : "";
    flag.textContent = [seen, upload.filed].filter(Boolean).join(" ");
    button.hidden = upload.state === "stored";
    const isPausable = upload.state === "waiting" || upload.state === "sending";
    button.textContent = isPausable ? text.textPause : text.textResume;
    button.setAttribute("aria-label", `${button.textContent}: ${upload.file.name}`);
    if (!upload.receipt || number.firstChild) return;
    const link = document.createElement("a");
    link.href = record.replace(/-$/, encodeURIComponent(upload.receipt.id));
    link.textContent = upload.receipt.number;
    number.append(link);
    const code = document.createElement("code");
    code.className = "digest";
    code.textContent = upload.receipt.sha256;
    digest.append(code);
  }

  return {
    update,
    draw: (/** @type {Upload[]} */ some) => {
      rows.replaceChildren();
      drawn.clear();
      some.forEach(draw);
    },
    save: (/** @type {Upload[]} */ some, /** @type {"json" | "csv"} */ kind) => save(some, kind),
  };
}

/**
 * @param {Upload[]} some
 * @param {"json" | "csv"} kind
 */
function save(some, kind) {
  const lines = some.filter((upload) => upload.state !== "ready").map(({ file, state, receipt, checked, note, filed }) => ({
    file: file.webkitRelativePath || file.name, declared_bytes: file.size, state, number: receipt?.number ?? "", id: receipt?.id ?? "",
    stored_bytes: receipt?.size_bytes ?? "", sha256: receipt?.sha256 ?? "", digest_compared: checked, note, twins: filed,
  }));
  const names = /** @type {(keyof typeof lines[number])[]} */ (Object.keys(lines[0] ?? {}));
  // A cell that a spreadsheet would reckon with is text.
  const cell = (/** @type {unknown} */ value) => `"${String(value).replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const body = kind === "json"
    ? JSON.stringify({ saved_at: new Date().toISOString(), files: lines }, null, 1)
    : `\ufeff${[names.join(","), ...lines.map((line) => names.map((name) => cell(line[name])).join(","))].join("\r\n")}\r\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([body], { type: kind === "json" ? "application/json" : "text/csv" }));
  link.download = `receipt-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
