/* Forms that a passkey fills in.
   Expects <form data-passkey="create|get"> with <input name="credential"> and [data-passkey-error]; what the server wishes stands
   in #js_data, or is asked for at data-passkey-url. Needs allauth's webauthn-json.js. */

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    fillIn(form);
  });
}

async function fillIn(form) {
  const problem = form.querySelector("[data-passkey-error]");
  const button = form.querySelector("[type=submit]");
  problem.hidden = true;
  button.setAttribute("aria-busy", "true");
  try {
    const wishes = await wishesFor(form);
    const credential = form.dataset.passkey === "create" ? await create(wishes.creation_options) : await window.webauthnJSON.get(wishes.request_options);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    problem.textContent = window.PublicKeyCredential && error.name !== "SecurityError" ? problem.dataset.refused : problem.dataset.impossible;
    problem.hidden = false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function wishesFor(form) {
  const url = form.dataset.passkeyUrl;
  if (!url) return JSON.parse(document.getElementById("js_data").textContent);
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  return answer.json();
}

/** Only passkeys that sign in by themselves, and that their owner unlocks. */
function create(options) {
  options.publicKey.authenticatorSelection = { ...options.publicKey.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" };
  return window.webauthnJSON.create(options);
}
