"use strict";
/* Pointing at the curves shows one epoch's numbers; arrow keys do the same. Without this script the page says all the
   same in its table. */
const area = document.getElementById("curves-area");
if (area) {
  const epochs = JSON.parse(document.getElementById("run-data").textContent).epochs;
  const readout = document.getElementById("readout");
  const told = readout.textContent;
  const plots = [...area.querySelectorAll(".lines")];
  let at = -1;

  function show(index) {
    at = index;
    const left = `${(100 * (index + 0.5)) / epochs.length}%`;
    for (const plot of plots) {
      const cross = plot.querySelector(".cross");
      cross.hidden = index < 0;
      cross.style.left = left;
    }
    readout.textContent = index < 0 ? told : epochs[index];
  }

  area.addEventListener("pointermove", (event) => {
    const box = plots[0].getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    show(share < 0 || share > 1 ? -1 : Math.min(epochs.length - 1, Math.floor(share * epochs.length)));
  });
  area.addEventListener("pointerleave", () => show(-1));
  area.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.max(0, Math.min(epochs.length - 1, at + step)));
  });
  area.addEventListener("blur", () => show(-1));
  area.tabIndex = 0;
  document.documentElement.classList.add("ready");
}
