"use strict";
// Shows each look that /events sends. Texts are put in as text only; the server's words never become markup.
const KEPT = 600;
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const at = (id) => document.getElementById(id);
const names = ["waiters", "longest_wait_s", "backfill_rows_per_s", "lag_s"];
const times = [], values = Object.fromEntries(names.map((n) => [n, []])), charts = {};
let abilities = { control: false, end: false };

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function makeCharts() {
  for (const name of names) {
    const place = at(name);
    if (charts[name]) { charts[name].destroy(); }
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { stroke: colour("--edge") } };
    charts[name] = new uPlot({
      width: Math.max(200, place.clientWidth), height: 140, legend: { show: false }, cursor: { show: false },
      scales: { y: { range: (u, low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [axis, { ...axis, size: 50 }],
      series: [{}, { stroke: colour("--accent"), fill: colour("--accent") + "33", width: 2 }],
    }, [times, values[name]], place);
  }
}

function remember(look) {
  times.push(Date.parse(look.taken_at) / 1000);
  for (const name of names) { values[name].push(look[name]); }
  if (times.length > KEPT) { times.shift(); for (const name of names) { values[name].shift(); } }
}

function draw() { for (const name of names) { charts[name].setData([times, values[name]]); } }

function element(kind, text, look) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (look) { made.className = look; }
  return made;
}

function fill(id, lines, empty) {
  const made = lines.map((line) => typeof line === "string" ? element("div", line) : sessionLine(line));
  at(id).replaceChildren(...(made.length ? made : [element("div", empty, "empty")]));
}

function sessionLine(line) {
  const row = element("div", "", "line");
  row.append(element("span", line.text, line.head ? "head" : ""));
  if (line.pid !== null && abilities.control && token) {
    row.append(orderButton("cancel", line, "yes"));
    if (abilities.end) { row.append(orderButton("end", line, String(line.pid))); }
  }
  return row;
}

function orderButton(order, line, answer) {
  const button = element("button", order);
  button.dataset.key = `${order} ${line.pid}`;
  button.setAttribute("aria-label", `${order} pid ${line.pid}`);
  button.addEventListener("click", () => {
    at("question").textContent = `${order === "end" ? "End the session" : "Cancel the statement"}: ${line.text.trim()}`;
    at("ask").textContent = `Type ${answer} to do it:`;
    at("answer").value = "";
    at("confirm").onclose = () => {
      const yes = at("confirm").returnValue === "yes" && at("answer").value.trim() === answer;
      if (yes) { send({ order, pid: line.pid, statement_began: line.statement_began, transaction_began: line.transaction_began }); }
      else { at("said").textContent = "left alone"; }
    };
    at("confirm").showModal();
  });
  return button;
}

async function send(order) {
  try {
    const answer = await fetch("control", {
      method: "POST", body: JSON.stringify(order), headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    });
    at("said").textContent = (await answer.json()).said;
  } catch (error) { at("said").textContent = String(error); }
}

function timeline(steps) {
  const began = steps.map((s) => s.began_ago_s).filter((s) => s !== null);
  const span = Math.max(1, ...began);
  at("steps").replaceChildren(...steps.map((step) => {
    const row = element("li", "", step.state);
    const name = element("span", `${step.name} ${step.phase}: ${step.state}`);
    name.title = step.sql;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 100 10");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", step.sql);
    if (step.began_ago_s !== null) {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const left = 100 - 100 * step.began_ago_s / span;
      const right = 100 - 100 * (step.ended_ago_s === null ? 0 : step.ended_ago_s) / span;
      bar.setAttribute("x", left); bar.setAttribute("width", Math.max(0.5, right - left)); bar.setAttribute("height", 10);
      svg.append(bar);
    }
    row.append(name, svg);
    return row;
  }));
}

function show(look) {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : undefined;
  at("headline").textContent = look.headline;
  at("problem").hidden = look.problem === null;
  at("problem").textContent = look.problem || "";
  at("alarms").replaceChildren(...look.alarms.map((said) => element("li", said)));
  fill("locks", look.locks, "");
  fill("long", look.long, "");
  fill("runs", look.runs, "no run and no backfill is under way");
  fill("operations", look.operations, "nothing");
  fill("replication", look.replication, "no standby, no slot");
  fill("unseen", look.unseen, "");
  at("not-seen").hidden = look.unseen.length === 0;
  timeline(look.steps);
  if (focused) { for (const b of document.querySelectorAll("button")) { if (b.dataset.key === focused) { b.focus(); } } }
  if (look.problem === null) { remember({ taken_at: look.taken_at, ...look.figures }); draw(); }
  document.documentElement.dataset.looks = String(Number(document.documentElement.dataset.looks || 0) + 1);
}

async function begin() {
  abilities = await (await fetch("abilities")).json();
  at("orders").hidden = !(abilities.control && token);
  for (const button of at("orders").querySelectorAll("button")) {
    button.addEventListener("click", () => send({ order: button.dataset.order }));
  }
  makeCharts();
  const source = new EventSource("events");
  source.addEventListener("history", (event) => {
    times.length = 0;
    for (const name of names) { values[name].length = 0; }
    for (const look of JSON.parse(event.data)) { remember(look); }
  });
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => { at("problem").hidden = false; at("problem").textContent = "no connection to pgsluice; trying again"; };
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; makeCharts(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", makeCharts);
}
begin();
