// Shows moments in the reader's own time zone; without a script they stand in UTC and say so.

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

export function showMoments(part) {
  for (const time of part.querySelectorAll("time[data-moment]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.title = time.textContent;
      time.textContent = format.format(moment);
    }
  }
}

showMoments(document);
