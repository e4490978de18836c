// What a file shows of itself before it is sent: empty, another type than its name says, a PDF that is encrypted or cut off.
// It is a hint for whoever files; the vault looks for itself.

const HEAD_BYTES = 4096;
const TAIL_BYTES = 65536;

/** @type {Record<string, string[]>} */
const SIGNATURES = {
  png: ["\x89PNG\r\n\x1a\n"], jpg: ["\xff\xd8\xff"], jpeg: ["\xff\xd8\xff"], gif: ["GIF87a", "GIF89a"],
  tif: ["II*\0", "MM\0*"], tiff: ["II*\0", "MM\0*"], zip: ["PK"], docx: ["PK"], xlsx: ["PK"], pptx: ["PK"], odt: ["PK"],
};

/**
 * @param {File} file
 * @returns {Promise<"empty" | "mismatch" | "encrypted" | "broken" | "">}
 */
export async function flagOf(file) {
  if (file.size === 0) return "empty";
  const ending = file.name.slice(file.name.lastIndexOf(".") + 1).toLowerCase();
  if (ending !== "pdf" && !(ending in SIGNATURES)) return "";
  try {
    const head = await latin1(file.slice(0, HEAD_BYTES));
    if (ending !== "pdf") return SIGNATURES[ending].some((each) => head.startsWith(each)) ? "" : "mismatch";
    if (!head.slice(0, 1024).includes("%PDF-")) return "mismatch";
    const tail = await latin1(file.slice(-TAIL_BYTES));
    if (/\/Encrypt\b/.test(tail) || /\/Encrypt\b/.test(head)) return "encrypted";
    return tail.slice(-1024).includes("%%EOF") ? "" : "broken";
  } catch {
    return "broken";
  }
}

/** @param {Blob} bytes */
async function latin1(bytes) {
  return Array.from(new Uint8Array(await bytes.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("");
}
