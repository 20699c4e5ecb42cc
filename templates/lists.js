/* The transcript and the table of events. The page itself holds their beginning; the rest is added as it is looked for. */

const LIST = $("transcript-list");
function wordsLine([start, , text, person, label, sure]) {
  const style = label >= 0 ? { "--c": `var(--${NAMES[label]})` } : {};
  return el("li", { "data-seek": start, style }, el("button", { type: "button", className: "plain", "data-seek": start }, clock(start)),
    el("span", { className: "speaker" }, el("bdi", {}, person ?? "")), el("span", { className: "text", dir: "auto" }, text),
    label >= 0 ? chip(label, `reads as ${NAMES[label]} ${decimal(sure)}`) : el("span", { className: "note" }, "not read"));
}

function whenSeen(node, call, root = null, margin = "400px") {
  const seen = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) call(); }, { root, rootMargin: margin });
  seen.observe(node);
  return seen;
}

if (LIST) {
  const lines = [...LIST.children], starts = DATA.words.map((said) => said[0]);
  let current = -1;
  const fill = () => {
    if (lines.length === DATA.words.length) return;
    const more = DATA.words.slice(lines.length).map(wordsLine);
    lines.push(...more);
    LIST.append(...more);
    renameText();
  };
  const showCurrent = () => {
    const at = before(starts, STATE.time);
    const here = at >= 0 && STATE.time < DATA.words[at][1] ? at : -1;
    if (here === current) return;
    if (here >= lines.length) fill();
    lines[current]?.classList.remove("on");
    lines[current]?.removeAttribute("aria-current");
    current = here;
    if (here < 0) return;
    lines[here].classList.add("on");
    lines[here].setAttribute("aria-current", "true");
    if ($("follow").checked && !lines[here].hidden) LIST.scrollTop = lines[here].offsetTop - LIST.clientHeight / 3;
  };
  const search = () => {
    const wanted = $("search").value.trim().toLocaleLowerCase();
    if (wanted) fill();
    let found = 0;
    lines.forEach((line, i) => {
      const box = line.querySelector(".text"), text = DATA.words[i][2];
      const at = wanted ? text.toLocaleLowerCase().indexOf(wanted) : -1;
      line.hidden = (wanted && at < 0) || !shownPerson(DATA.words[i][3]);
      if (!line.hidden) found++;
      if (at < 0) { if (box.childElementCount) box.textContent = text; } else box.replaceChildren(text.slice(0, at), el("mark", {}, text.slice(at, at + wanted.length)), text.slice(at + wanted.length));
    });
    $("found").textContent = wanted ? `${found} of ${lines.length} lines` : "";
  };
  $("search").addEventListener("input", search);
  whenSeen(LIST, fill);
  on("time", showCurrent);
  on("filter", search);
}

const EVENT_BODY = document.querySelector("#events-scroll tbody");
const MORE_ROWS = 300;
function eventRow([time, kind, person, emotion, detail]) {
  return el("tr", {}, el("td", { className: "n" }, el("button", { type: "button", className: "plain", "data-seek": time }, clock(time))), el("td", {}, kind),
    el("td", {}, el("bdi", {}, person ?? "")), el("td", {}, emotion >= 0 ? chip(emotion) : null), el("td", {}, detail));
}
if (EVENT_BODY && EVENT_BODY.rows.length < DATA.events.length) {
  EVENT_BODY.closest("table").caption.textContent = `Events in time order; the time goes there. ${counted(DATA.events.length, "event")}.`;
  const end = el("div", { className: "end-of-list" });
  $("events-scroll").append(end);
  const seen = whenSeen(end, () => {
    const from = EVENT_BODY.rows.length;
    EVENT_BODY.append(...DATA.events.slice(from, from + MORE_ROWS).map(eventRow));
    renameText();
    if (EVENT_BODY.rows.length >= DATA.events.length) { seen.disconnect(); end.remove(); }
  }, $("events-scroll"));
}
