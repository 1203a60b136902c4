// What pages gain where scripts run: times by the reader's own clock, and buttons that copy.
// Everything works without it.
(() => {
  const clock = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"});

  function improve(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      time.title = clock.format(new Date(time.dateTime));
    }
    for (const button of within.querySelectorAll(".copier")) {
      button.hidden = !navigator.clipboard;
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copier");
    if (!button) return;
    await navigator.clipboard.writeText(button.closest(".copy").querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  document.addEventListener("DOMContentLoaded", () => improve(document));
  document.addEventListener("htmx:after:swap", () => improve(document));
})();
