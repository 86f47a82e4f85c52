/* The live pages: draw a snapshot, poll for changes, send commands.
 *
 * A poll is cheap. It answers with a mark, and with the energy, power and duration of the running sessions that are shown. The
 * snapshot, a dozen queries, is requested when the mark has changed, at most every two seconds, and every ten seconds for
 * what makes no event: the message log, the time of the last message. A hidden page requests nothing, and
 * its first request afterwards is the snapshot.
 *
 * Texts from a station are not trusted. They reach the page as JSON and become text nodes; nothing here parses HTML,
 * and a link must be a path on this server. Texts in this file are English and not translated.
 */
(() => {
  "use strict";

  const page = document.querySelector("[data-live]");
  if (!page) return;

  const POLL_MS = 2000;
  const SNAPSHOT_PAUSE_MS = 2000; // the least time between two snapshots
  const SNAPSHOT_EVERY_MS = 10_000; // also without a change
  const FAST_POLL_MS = 500; // poll interval while a command waits for its answer
  const FAST_POLL_FOR_MS = 20000;
  const TIMEOUT_MS = 12_000; // longer than the ten seconds after which the server gives up on its database
  const drawn = new Map(); // the drawn value of each part: an unchanged part is not redrawn, so it keeps focus and selection
  const charts = new Map();
  let tracked = null; // the last sent command: {id, until}
  let timer = null;
  let polling = false;
  let unreachableSince = null;
  let ended = false;
  let mark = null; // of the last snapshot
  let isOutdated = false; // something has changed since the last snapshot
  let snapshotAt = 0;

  // -- drawing -------------------------------------------------------------------------------------

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function isLocalPath(path) {
    return typeof path === "string" && /^\/(?![/\\])/.test(path);
  }

  function ago(moment) {
    const seconds = Math.round((Date.now() - moment.getTime()) / 1000);
    if (seconds < -5) return `in ${inUnits(-seconds)}`;
    return seconds < 5 ? "just now" : `${inUnits(seconds)} ago`;
  }

  function inUnits(seconds) {
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function timeOf(iso) {
    if (iso === "never") return element("span", "", "–");
    const moment = new Date(iso);
    const made = element("time", "", ago(moment));
    made.dateTime = iso;
    made.title = moment.toLocaleString();
    return made;
  }

  function postForm(cell) {
    const form = element("form", "op-inline");
    form.method = "post";
    form.action = cell.post;
    const fields = {
      csrfmiddlewaretoken: page.querySelector("[name=csrfmiddlewaretoken]").value,
      next: location.pathname + location.search,
      ...cell.fields,
    };
    for (const [name, value] of Object.entries(fields)) {
      const input = element("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      form.append(input);
    }
    const button = element("button", `op-button op-small ${cell.tone === "quiet" ? "" : "op-primary"}`, cell.text);
    button.type = "submit";
    form.append(button);
    return form;
  }

  function content(cell) {
    if (cell.buttons) {
      const group = element("span", "op-group");
      group.append(...cell.buttons.filter((one) => isLocalPath(one.post)).map(postForm));
      return group;
    }
    if (isLocalPath(cell.post)) return postForm(cell);
    if (cell.time) return timeOf(cell.time);
    if (cell.label) {
      const label = element("span", `op-label op-tone-${cell.tone || "none"}`, cell.text);
      label.title = cell.text; // the full text, as a long label is cut off
      return label;
    }
    if (isLocalPath(cell.href)) {
      const link = element("a", "op-link", cell.text);
      link.href = cell.href;
      return link;
    }
    return element("span", "", cell.text);
  }

  function fill(target, cell) {
    target.replaceChildren(content(cell));
    if (cell.reading) target.dataset.reading = cell.reading;
    else delete target.dataset.reading;
    target.title = cell.title || "";
    if (cell.note) target.append(element("span", "op-note op-under", cell.note));
  }

  /** Whether the value of this part changed since it was drawn. */
  function isNew(key, value) {
    const text = JSON.stringify(value);
    if (drawn.get(key) === text) return false;
    drawn.set(key, text);
    return true;
  }

  /** Show what is failing, in sentences; the banner is hidden when nothing is. */
  function drawTroubles(troubles) {
    const banner = page.querySelector("[data-troubles]");
    if (!banner || !isNew("troubles", troubles)) return;
    banner.replaceChildren(...troubles.map((sentence) => element("p", "", sentence)));
    banner.hidden = troubles.length === 0;
  }

  function draw(snapshot) {
    mark = snapshot.mark;
    isOutdated = false;
    snapshotAt = Date.now();
    drawTroubles(snapshot.troubles || []);
    for (const target of page.querySelectorAll("[data-value]")) {
      const key = target.dataset.value;
      const cell = snapshot.values[key];
      if (cell && isNew(`value ${key}`, cell)) fill(target, cell);
    }
    for (const box of page.querySelectorAll("[data-shown-with]")) {
      const cell = snapshot.values[box.dataset.shownWith];
      box.hidden = !(cell && cell.text);
    }
    for (const bar of page.querySelectorAll("progress[data-share]")) {
      const cell = snapshot.values[bar.dataset.share];
      if (cell) [bar.max, bar.value] = [cell.of, cell.share];
    }
    for (const body of page.querySelectorAll("[data-rows]")) {
      const key = body.dataset.rows;
      const rows = snapshot.tables[key];
      if (rows && isNew(`rows ${key}`, rows)) drawRows(body, key, rows);
    }
    for (const canvas of page.querySelectorAll("[data-chart]")) {
      const key = canvas.dataset.chart;
      const series = snapshot.charts && snapshot.charts[key];
      if (series && isNew(`chart ${key}`, series)) drawChart(canvas, key, series);
    }
    for (const [id, choices] of Object.entries(snapshot.choices || {})) {
      const select = document.getElementById(id);
      // An input instead of a select: the station had no choices when the page was loaded.
      if (select instanceof HTMLSelectElement && isNew(`choices ${id}`, choices)) drawChoices(select, choices);
    }
    trackCommand(snapshot.states || {});
    ended = Boolean(snapshot.ended);
  }

  /** Update what is known of running sessions without a snapshot. */
  function drawReadings(readings) {
    for (const target of page.querySelectorAll("[data-reading]")) {
      const words = readings[target.dataset.reading];
      const text = target.firstElementChild;
      if (words === undefined || text.textContent === words) continue;
      text.textContent = words;
      target.title = ""; // the exact value of the old text; the next snapshot has the new one
    }
  }

  function drawRows(body, key, rows) {
    const heads = [...body.closest("table").querySelectorAll("th")].map((head) => head.textContent);
    body.replaceChildren(
      ...rows.map((cells) => {
        const row = element("tr");
        cells.forEach((cell, column) => {
          const data = element("td");
          data.dataset.head = heads[column] || ""; // small screens show it above the cell
          fill(data, cell);
          row.append(data);
        });
        return row;
      }),
    );
    body.closest("table").hidden = rows.length === 0;
    page.querySelector(`[data-empty="${key}"]`).hidden = rows.length > 0;
  }

  /** Update the options of a select: sessions begin and end while the page is open. */
  function drawChoices(select, choices) {
    const chosen = select.value;
    select.replaceChildren(
      ...choices.map(([value, words]) => {
        const option = element("option", "", words);
        option.value = value;
        return option;
      }),
    );
    if (choices.some(([value]) => String(value) === chosen)) select.value = chosen;
  }

  // -- charts --------------------------------------------------------------------------------------

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const dark = document.documentElement.classList.contains("dark");
    const named = (name) => style.getPropertyValue(name).trim();
    return {
      main: named(dark ? "--color-primary-500" : "--color-primary-600"),
      second: dark ? "#fbbf24" : "#b45309",
      grid: named(dark ? "--color-base-800" : "--color-base-200"),
      words: named(dark ? "--color-base-300" : "--color-base-600"),
    };
  }

  function axis(title, position, colour, extra) {
    return {
      position,
      beginAtZero: true,
      title: { display: true, text: title, color: colour.words },
      ticks: { color: colour.words, ...extra },
      grid: { color: colour.grid, drawOnChartArea: position !== "right" },
    };
  }

  function todayChart(series, colour) {
    return {
      data: {
        labels: series.labels,
        datasets: [
          { type: "bar", label: "Energy (kWh)", data: series.energy, backgroundColor: colour.main, yAxisID: "y", borderRadius: 3, order: 2 },
          { type: "line", label: "Sessions", data: series.sessions, borderColor: colour.second, backgroundColor: colour.second, yAxisID: "right", pointRadius: 2, borderWidth: 2, order: 1 },
        ],
      },
      scales: {
        x: { ticks: { color: colour.words, maxRotation: 0, autoSkipPadding: 8 }, grid: { display: false } },
        y: axis("kWh", "left", colour, {}),
        right: axis("sessions", "right", colour, { precision: 0 }),
      },
    };
  }

  /** Limit the axis to the first and last reading: Chart.js would round to powers of ten of milliseconds. */
  function bounds(series) {
    const moments = [...series.energy, ...series.power].map(([at]) => at);
    return moments.length < 2 ? {} : { min: Math.min(...moments), max: Math.max(...moments) };
  }

  function meterChart(series, colour) {
    const line = (label, data, tone, axisId) => ({
      type: "line", label, data: data.map(([x, y]) => ({ x, y })), borderColor: tone, backgroundColor: tone,
      yAxisID: axisId, pointRadius: data.length < 30 ? 2 : 0, borderWidth: 2, tension: 0,
    });
    // Below ten minutes the tick labels need seconds to differ.
    const { min, max } = bounds(series);
    const second = max - min < 600_000 ? "2-digit" : undefined;
    const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second, hour12: false });
    return {
      data: { datasets: [line("Energy (kWh)", series.energy, colour.main, "y"), line("Power (kW)", series.power, colour.second, "right")] },
      scales: {
        x: { type: "linear", ...bounds(series), ticks: { color: colour.words, callback: clock, maxRotation: 0, autoSkipPadding: 24 }, grid: { color: colour.grid } },
        y: axis("kWh", "left", colour, {}),
        right: axis("kW", "right", colour, {}),
      },
      tooltip: { callbacks: { title: (items) => new Date(items[0].parsed.x).toLocaleString() } },
    };
  }

  const KINDS = { today: todayChart, meter: meterChart };

  function drawChart(canvas, key, series) {
    const nothing = page.querySelector(`[data-chart-empty="${key}"]`);
    if (nothing) {
      const isEmpty = Object.values(series).every((points) => points.length === 0);
      nothing.hidden = !isEmpty;
      canvas.parentElement.hidden = isEmpty;
      if (isEmpty) return;
    }
    const colour = colours();
    const made = KINDS[key](series, colour);
    const known = charts.get(key);
    if (known) {
      known.chart.data = made.data;
      known.chart.options.scales = made.scales;
      known.chart.options.plugins.legend.labels.color = colour.words;
      known.chart.update("none");
      known.series = series;
      return;
    }
    const chart = new Chart(canvas, {
      data: made.data,
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: made.scales,
        plugins: { legend: { labels: { color: colour.words, boxWidth: 12 } }, tooltip: made.tooltip || {} },
      },
    });
    charts.set(key, { chart, canvas, series });
  }

  new MutationObserver(() => {
    for (const [key, known] of charts) drawChart(known.canvas, key, known.series);
  }).observe(document.documentElement, { attributeFilter: ["class"] });

  // -- polling --------------------------------------------------------------------------------------

  function showState(kind, words) {
    const state = page.querySelector("[data-live-state]");
    if (!state) return;
    state.dataset.kind = kind;
    const text = state.querySelector("span");
    if (text.textContent !== words) text.textContent = words;
  }

  class SignedOut extends Error {}
  class NotAvailable extends Error {}

  /** Request JSON. Throws SignedOut, NotAvailable when a part of the server is away, or another error. */
  async function get(address) {
    const controller = new AbortController();
    const timeout = setTimeout(() => controller.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(address, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        signal: controller.signal,
      });
      if (response.status === 401 || response.redirected) throw new SignedOut();
      if (response.status === 503) {
        // The server answers, and names the part that is not available.
        drawTroubles((await response.json()).troubles || []);
        throw new NotAvailable();
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.json();
    } finally {
      clearTimeout(timeout);
    }
  }

  function isFast() {
    return tracked !== null && Date.now() < tracked.until;
  }

  function needsSnapshot() {
    const age = Date.now() - snapshotAt;
    return age >= SNAPSHOT_EVERY_MS || (isOutdated && (isFast() || age >= SNAPSHOT_PAUSE_MS));
  }

  async function drawChanges() {
    const shown = [...page.querySelectorAll("[data-reading]")].map((target) => target.dataset.reading.split(".")[0]);
    const query = new URLSearchParams({ sessions: [...new Set(shown)].join() });
    if (page.dataset.station) query.set("station", page.dataset.station);
    const changes = await get(`${page.dataset.changes}?${query}`);
    drawTroubles(changes.troubles);
    drawReadings(changes.readings);
    isOutdated = changes.mark !== mark;
  }

  async function poll() {
    clearTimeout(timer);
    if (document.hidden || polling) return;
    polling = true;
    try {
      // After a failed snapshot the readings go on, although every poll tries the snapshot again.
      if (!needsSnapshot() || unreachableSince) await drawChanges();
      if (needsSnapshot()) draw(await get(page.dataset.live));
      unreachableSince = null;
      // A page that was hidden meanwhile stays "Paused".
      if (!document.hidden) showState(ended ? "done" : "good", ended ? "Ended" : "Live");
    } catch (error) {
      if (error instanceof SignedOut) {
        showState("bad", "You are signed out. Reload the page to sign in.");
        return;
      }
      unreachableSince = unreachableSince || new Date();
      const problem = error instanceof NotAvailable ? "Not updated since" : "No answer from the server since";
      showState("bad", `${problem} ${unreachableSince.toLocaleTimeString()}`);
    } finally {
      polling = false;
    }
    if (!ended && !document.hidden) schedule();
  }

  /** Poll now, and request the snapshot. */
  function refresh() {
    snapshotAt = 0;
    poll();
  }

  function schedule() {
    timer = setTimeout(poll, isFast() ? FAST_POLL_MS : POLL_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      showState("idle", "Paused");
    } else if (!ended) {
      refresh();
    }
  });

  setInterval(() => {
    if (document.hidden) return;
    for (const target of page.querySelectorAll("time[datetime]")) {
      const words = ago(new Date(target.dateTime));
      if (target.textContent !== words) target.textContent = words;
    }
  }, 1000);

  // -- sending -------------------------------------------------------------------------------------

  function result(words, tone) {
    const line = page.querySelector("[data-result]");
    if (!line) return;
    line.hidden = false;
    line.className = `op-result op-tone-${tone || "none"}`;
    line.textContent = words;
    page.querySelector("[data-answer]").hidden = true;
  }

  /** Show texts with their labels until the next command is sent: no later answer has them. */
  function showOnce(texts) {
    const notice = page.querySelector("[data-shown-once]");
    notice.hidden = !texts.length;
    notice.querySelector("dl").replaceChildren(
      ...texts.map(([label, text]) => {
        const row = element("div", "", "");
        const value = element("dd", "", "");
        value.append(element("code", "op-secret", text));
        row.append(element("dt", "", label), value);
        return row;
      }),
    );
  }

  /** Link to the page with the answer of a command. */
  function showAnswer(command) {
    const link = page.querySelector("[data-answer]");
    link.href = `${link.dataset.answer}${encodeURIComponent(command)}/change/`;
    link.hidden = false;
  }

  function trackCommand(states) {
    const state = tracked && states[tracked.id];
    if (!state) return;
    result(state.text, state.tone);
    if (!state.finished) return;
    showAnswer(tracked.id);
    tracked = null;
  }

  /** Ask for a confirmation of this sentence, or stop asking if it is empty. The server checks that it was given. */
  function confirm(form, sentence) {
    const notice = form.querySelector("[data-confirm]");
    const tick = notice.querySelector("input");
    notice.querySelector("[data-confirm-sentence]").textContent = tick.value = sentence;
    notice.hidden = tick.disabled = !sentence;
    tick.checked = false;
    form.querySelector("[type=submit]").classList.toggle("op-danger", Boolean(sentence));
    if (sentence) tick.focus();
  }

  async function send(form) {
    const button = form.querySelector("[type=submit]");
    const problem = form.querySelector("[data-error]");
    problem.hidden = true;
    button.disabled = true;
    try {
      // Not form.action: an input named "action" would shadow it.
      const response = await fetch(form.getAttribute("action"), {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
      if (!isJson) throw new Error(response.status === 403 ? "You are not allowed to send commands." : `The server answered with status ${response.status}.`);
      const outcome = await response.json();
      confirm(form, outcome.confirm || "");
      if (outcome.confirm) return;
      if (!outcome.sent) throw new Error(outcome.sentence);
      form.closest("dialog").close();
      result(outcome.sentence, "info");
      showOnce(outcome.shown_once);
      // Below all the buttons: on a phone that is beyond the bottom of the screen.
      const seen = outcome.shown_once.length ? "[data-shown-once]" : "[data-result]";
      page.querySelector(seen).scrollIntoView({ block: "nearest" });
      tracked = { id: outcome.command, until: Date.now() + FAST_POLL_FOR_MS };
      refresh();
    } catch (error) {
      problem.textContent = error instanceof TypeError ? "Not sent: the server did not answer." : error.message;
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    } finally {
      button.disabled = false;
    }
  }

  page.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault(); // without this script the link leads to a page with the form
      document.getElementById(opener.dataset.dialog).showModal();
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    if (event.target instanceof HTMLDialogElement) event.target.close(); // a click outside the form
  });

  // Other inputs may be another danger, or none.
  page.addEventListener("input", (event) => {
    const form = event.target.closest("[data-command]");
    if (form && !event.target.closest("[data-confirm]")) confirm(form, "");
  });

  page.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-command]")) return;
    event.preventDefault();
    send(event.target);
  });

  draw(JSON.parse(document.getElementById("snapshot").textContent));
  showState(ended ? "done" : "good", ended ? "Ended" : "Live");
  if (!ended) schedule();
})();
