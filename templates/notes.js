/* Notes and labels on a moment or a stretch. They are kept by this browser until they are downloaded. */

const NOTE_BOX = $("notes"), KEPT_UNDER = `mer-notes-${DATA.id}`;
function keptNotes() {
  try { return JSON.parse(localStorage.getItem(KEPT_UNDER) ?? "[]").filter((note) => Number.isFinite(note.start) && Number.isFinite(note.end)); } catch { return []; }
}
const NOTES = keptNotes();
let KEEPS = true;
function keep() {
  try { localStorage.setItem(KEPT_UNDER, JSON.stringify(NOTES)); } catch { KEEPS = false; }
  NOTES.sort((one, other) => one.start - other.start);
  showNotes();
}

/* As `--labels` takes it: start, end, person, emotion; the note is a column more. */
function notesCsv() {
  const rows = NOTES.map((note) => [(note.start / 1000).toFixed(2), (note.end / 1000).toFixed(2), note.person ?? "", note.label, note.note]);
  return csv([["start", "end", "person", "emotion", "note"], ...rows]);
}

function noteForm() {
  const person = el("select", { "aria-label": "Person" }, ...LANES.filter((lane) => lane.person !== null).map((lane) => el("option", { value: lane.person }, lane.name)), el("option", { value: "" }, "nobody"));
  const label = el("select", { "aria-label": "Label" }, el("option", { value: "" }, "no label"), ...NAMES.map((name) => el("option", { value: name }, name)));
  const text = el("input", { type: "text", placeholder: "A note", "aria-label": "Note", maxLength: 500 });
  const form = el("form", { className: "bar" }, el("span", { className: "note", id: "note-span" }, noteSpan()), person, label, text, el("button", { type: "submit" }, "Add"));
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!label.value && !text.value.trim()) { text.focus(); return; }
    const [start, end] = STATE.first ?? [STATE.time, Math.min(DATA.duration, STATE.time + 1000 * DATA.step)];
    NOTES.push({ start: Math.round(start), end: Math.round(end), person: person.value || null, label: label.value, note: text.value.trim() });
    keep();
  };
  return form;
}
const noteSpan = () => (STATE.first ? `${clock(STATE.first[0])} – ${clock(STATE.first[1])}` : `at ${clock(STATE.time)}`);

function showNotes() {
  const head = el("div", { className: "bar" }, el("h3", { id: "notes-title" }, "Notes"));
  if (NOTES.length) head.append(button("Download CSV", () => save(`${stem()}.labels.csv`, "text/csv", notesCsv())));
  head.append(el("span", { className: "note" }, KEEPS ? "On the selection, else on the playhead. Kept in this browser alone until you download them." : "This browser keeps nothing: download your notes before you close the page."));
  const list = el("ul", { className: "plain" }, ...NOTES.map((note) => el("li", {},
    el("button", { type: "button", className: "plain", "data-seek": note.start }, `${clock(note.start)} – ${clock(note.end)}`), " ", el("bdi", {}, personName(note.person)), " ",
    note.label ? chip(NAMES.indexOf(note.label)) : null, " ", el("span", { dir: "auto" }, note.note), " ",
    button("remove", () => { NOTES.splice(NOTES.indexOf(note), 1); keep(); }, { className: "plain", "aria-label": `Remove the note at ${clock(note.start)}` }))));
  NOTE_BOX.replaceChildren(head, noteForm(), list);
}

on("time", () => { const span = $("note-span"); if (span) span.textContent = noteSpan(); });
on("selection", () => { const span = $("note-span"); if (span) span.textContent = noteSpan(); });
on("names", showNotes);
