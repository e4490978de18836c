// Sends one file with tus-js-client: `node resume.mjs ENDPOINT TOKEN PATH CHUNK_BYTES`. It resumes by itself.

import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, token, path, chunkBytes] = process.argv.slice(2);

const upload = new Upload(createReadStream(path), {
  endpoint,
  headers: { Authorization: `Bearer ${token}`, "Idempotency-Key": `tus-js ${basename(path)}` },
  metadata: { filename: basename(path), class: "contract" },
  chunkSize: Number(chunkBytes),
  uploadSize: statSync(path).size,
  retryDelays: Array.from({ length: 400 }, () => 200),
  onShouldRetry: () => true,
  onSuccess: () => process.exit(0),
  onError: (error) => { console.error(String(error)); process.exit(1); },
});
upload.start();
