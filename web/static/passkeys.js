// Lets the device make or show a passkey: <form data-passkey="create|get"> has the options as JSON, and names the hidden
// field that takes the device's answer. Without a script, or where the browser has none, its button stays hidden.

const supported = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/**
 * @param {string} way
 * @param {string} options
 * @returns {Promise<Credential | null>}
 */
function ask(way, options) {
  const said = JSON.parse(options);
  return way === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(said) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(said) });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} trouble
 */
async function answer(form, button, trouble) {
  trouble.hidden = true;
  button.disabled = true;
  try {
    const credential = await ask(form.dataset.passkey ?? "", form.dataset.options ?? "");
    const field = form.elements.namedItem(form.dataset.field ?? "");
    if (credential instanceof PublicKeyCredential && field instanceof HTMLInputElement) {
      field.value = JSON.stringify(credential.toJSON());
      form.submit();
    }
  } catch {
    // Whoever turned away, waited too long, or has no passkey here. Nothing was sent.
    trouble.hidden = false;
    button.disabled = false;
  }
}

/** @param {HTMLFormElement} form */
function offer(form) {
  const button = form.querySelector("button[data-ask]");
  const trouble = form.querySelector("[data-trouble]");
  const name = form.elements.namedItem("name");
  if (!(button instanceof HTMLButtonElement) || !(trouble instanceof HTMLElement)) {
    return;
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    if (!(name instanceof HTMLInputElement) || name.reportValidity()) {
      answer(form, button, trouble);
    }
  });
}

if (supported) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (form instanceof HTMLFormElement) {
      offer(form);
    }
  }
} else {
  for (const note of document.querySelectorAll("[data-unsupported]")) {
    if (note instanceof HTMLElement) {
      note.hidden = false;
    }
  }
}
