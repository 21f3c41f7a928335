// What the other modules share: elements, words for screen readers, and parts of the page from the server.

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

export function announce(words) {
  $("#announcement").textContent = words;
}

// The part of the page that a URL gives; null when the server does not answer, or with something else.
export async function fetchPart(url, options = {}) {
  try {
    const response = await fetch(url, { ...options, headers: { "X-Fragment": "1" } });
    const isPart = response.headers.get("Content-Type")?.startsWith("text/html");
    return isPart ? new DOMParser().parseFromString(await response.text(), "text/html").body : null;
  } catch {
    return null;
  }
}
