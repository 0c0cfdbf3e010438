// Owned by the template: an update may change this file.
// @ts-check
/** The token that goes with requests and opens connections, for as long as the tab is open. */

import { $ } from "./dom.js";

const KEY = "docs.token";

export const token = () => sessionStorage.getItem(KEY) ?? "";

/** @param {string} text */
export function useToken(text) {
  sessionStorage.setItem(KEY, text);
  $("token").value = text;
}

export function startToken() {
  const field = $("token");
  field.value = token();
  field.addEventListener("input", () => sessionStorage.setItem(KEY, field.value.trim()));
  field.form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  $("show-token").addEventListener("click", () => {
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    $("show-token").ariaPressed = String(isShown);
  });
}
