// Tells the server the reader's time zone, once; from then on pages come with local times and this changes nothing.
// Until then moments stand in UTC and say so, and are shown in local time here. Pages for outsiders keep no cookie: they
// do not say which zone the server knows, not even an empty one.

const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.documentElement.dataset.zone;
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

/** @param {ParentNode} part where the moments stand */
export function showMoments(part) {
  if (zone === known) return;
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (part.querySelectorAll("time[data-moment]"))) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) time.textContent = format.format(moment);
  }
}

if (zone && known !== undefined && zone !== known) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `strongroom-zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax${secure}`;
}
showMoments(document);
