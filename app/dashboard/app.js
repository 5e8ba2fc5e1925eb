"use strict";
// The page: asks the API once a second and shows what it says. Every text from the network goes through textContent; nothing here
// builds markup from strings. While the server is away it asks less and less often, and says so.

const PERIOD_MS = 1000, PERIOD_MAX_MS = 15000, TIMEOUT_MS = 5000;
const BARS_MAX = 8;

const byId = (id) => document.getElementById(id);

// ---- numbers for people ----

function scaled(value, base, units) {
	let i = 0;
	while (Math.abs(value) >= base * 0.9995 && i < units.length - 1) {
		value /= base;
		i++;
	}
	const digits = i === 0 && Number.isInteger(value) ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return [value.toFixed(digits), units[i]];
}

const join = (pair) => (pair[1] ? `${pair[0]} ${pair[1]}` : pair[0]);
const countParts = (n) => scaled(n, 1000, ["", "k", "M", "G", "T"]);
const count = (n) => join(countParts(n));
const bytes = (n) => join(scaled(n, 1000, ["B", "kB", "MB", "GB", "TB"]));
const bitsParts = (n) => scaled(n, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]);
const bits = (n) => join(bitsParts(n));
const exact = (n) => n.toLocaleString("en-US");
const plural = (n, one) => `${exact(n)} ${one}${n === 1 ? "" : "s"}`;

function duration(s) {
	if (s < 1)
		return `${Math.round(s * 1000)} ms`;
	if (s < 120)
		return `${s.toFixed(s < 10 ? 1 : 0)} s`;
	const m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
	return d > 0 ? `${d} d ${h % 24} h` : h > 0 ? `${h} h ${m % 60} min` : `${m} min`;
}

// ---- nodes ----

function element(name, className, text) {
	const node = document.createElement(name);
	if (className)
		node.className = className;
	if (text !== undefined)
		node.textContent = text;
	return node;
}

function say(id, text) {
	const node = byId(id);
	if (node.textContent !== text)
		node.textContent = text;
}

function number(id, parts, className) {
	const node = byId(id);
	node.className = className ? `number ${className}` : "number";
	node.replaceChildren(document.createTextNode(parts[0]), ...(parts[1] ? [element("span", "unit", parts[1])] : []));
}

// ---- headline ----

function sumOf(counters) {
	return Object.values(counters).reduce((a, b) => a + b, 0);
}

function lossesOf(stats) {
	const ports = stats.ports.reduce((n, p) => n + p.kernel_drops + p.missed + p.errors + p.nombuf, 0);
	return {ports, own: sumOf(stats.packets.dropped), refused: stats.flows.refused_packets};
}

function showHeadline(stats, health) {
	const losses = lossesOf(stats), lost = losses.ports + losses.own, malformed = sumOf(stats.packets.malformed);
	const finished = health.replay !== null && health.replay.finished;
	const rate = stats.duration_s > 0 ? stats.packets.received / stats.duration_s : 0;

	number("pps", countParts(Math.round(stats.rates.pps)));
	number("bps", bitsParts(stats.rates.bps));
	number("active", countParts(stats.flows.active));
	number("analysed", countParts(stats.packets.analysed));
	number("lost", countParts(lost), lost > 0 ? "bad" : "");
	say("pps_note", finished ? `${count(rate)} on average` : `${count(stats.packets.received)} in ${duration(stats.duration_s)}`);
	say("bps_note", finished && stats.duration_s > 0 ? `${bits(stats.bytes.received * 8 / stats.duration_s)} on average`
		: `${bytes(stats.bytes.received)} in all`);
	say("active_note", `${count(stats.flows.created)} seen, ${count(stats.rates.fps)} new / s`);
	say("analysed_note", malformed > 0 ? `and ${plural(malformed, "malformed packet")}` : `of ${plural(stats.packets.received, "packet")}`);
	say("lost_note", lost > 0 ? `${count(losses.ports)} before us, ${count(losses.own)} by us`
		: losses.refused > 0 ? `${count(losses.refused)} without a flow` : "no packet");
	showBalance(health);
}

function showBalance(health) {
	const balanced = health.residual === 0;
	if (balanced) {
		number("balance", ["Balanced"], "word good");
		say("balance_note", "every packet accounted for");
	} else if (!health.at_rest) {
		number("balance", ["In flight"], "word");
		say("balance_note", `${exact(health.residual)} between two counters`);
	} else {
		number("balance", ["Unbalanced"], "word bad");
		say("balance_note", `${exact(health.residual)} not accounted for`);
	}
}

function showHealth(health) {
	const pill = byId("status"), well = health.status === "ok", replay = health.replay;
	const running = replay !== null && !replay.finished;

	pill.className = `pill ${well ? "good" : "warn"}`;
	say("status", !well ? "Degraded" : running ? `Replaying, ${Math.floor(replay.progress * 100)} %` : replay !== null ? "Replay finished" : "Live");
	say("sensor", health.sensor);
	say("source", health.ports.map((p) => p.name.split("/").pop()).join(", "));
	say("uptime", `up ${duration(health.uptime_s)}`);
	say("version", `spanwatch ${health.version}`);
	byId("replay").hidden = !running;
	if (running) {
		byId("replay").setAttribute("aria-valuenow", String(Math.floor(replay.progress * 100)));
		byId("replay").firstElementChild.style.width = `${replay.progress * 100}%`;
	}
	byId("notes_card").hidden = health.reasons.length + health.notes.length === 0;
	byId("notes").replaceChildren(...health.reasons.map((text) => element("li", "bad", text)), ...health.notes.map((text) => element("li", "", text)));
}

// ---- protocols ----

let group = "applications";
let protocols = null;

function barRow(one, most, total) {
	const item = element("li"), row = element("div", "row"), track = element("div", "track"), bar = element("i");
	const share = total > 0 ? 100 * one.bytes / total : 0;

	row.append(element("b", "", one.name), element("span", "", one.flows !== undefined ? plural(one.flows, "flow") : `${count(one.packets)} packets`),
		element("span", "", `${share.toFixed(share < 10 ? 1 : 0)} %`), element("span", "big", bytes(one.bytes)));
	bar.style.width = `${most > 0 ? Math.max(0.5, 100 * one.bytes / most) : 0}%`;
	track.append(bar);
	item.append(row, track);
	return item;
}

function showProtocols() {
	const all = [...protocols[group]].sort((a, b) => b.bytes - a.bytes);
	const shown = all.slice(0, BARS_MAX), rest = all.slice(BARS_MAX);
	const total = all.reduce((n, p) => n + p.bytes, 0);

	if (rest.length > 0)
		shown.push({name: `${rest.length} others`, packets: rest.reduce((n, p) => n + p.packets, 0), bytes: rest.reduce((n, p) => n + p.bytes, 0)});
	byId("protocols").replaceChildren(...(shown.length > 0 ? shown.map((p) => barRow(p, shown[0].bytes, total))
		: [element("li", "empty", "No packet yet")]));
}

// ---- flows ----

const COLUMNS = [
	{name: "Time", text: (f) => f.time, key: (f) => f.timestamp},
	{name: "Client", cell: (f) => addressCell(f.src_ip, f.src_port), key: (f) => `${f.src_ip} ${f.src_port}`},
	{name: "Server", cell: (f) => addressCell(f.dest_ip, f.dest_port), key: (f) => `${f.dest_ip} ${f.dest_port}`},
	{name: "Protocol", text: (f) => f.proto, key: (f) => f.proto},
	{name: "Application", cell: (f) => tagCell(f.app), key: (f) => f.app},
	{name: "Host name", text: (f) => f.hostname, key: (f) => f.hostname, className: "host"},
	{name: "Packets", text: (f) => exact(f.packets), key: (f) => f.packets, className: "right", down: true},
	{name: "Bytes", text: (f) => bytes(f.bytes), key: (f) => f.bytes, className: "right", down: true},
	{name: "State", cell: (f) => stateCell(f), key: (f) => f.stateText},
];
const sorting = {column: 0, down: true};
let flows = [], flowsActive = 0, held = false;

function addressCell(address, port) {
	const cell = element("td", "addr", address || "");
	if (port !== undefined)
		cell.append(element("span", "port", (address || "").includes(":") ? ` · ${port}` : `:${port}`));
	return cell;
}

function tagCell(app) {
	const cell = element("td");
	if (app)
		cell.append(element("span", "tag", app));
	return cell;
}

function stateCell(f) {
	const cell = element("td");
	cell.append(element("span", f.active && f.stateText !== "closed" ? "state live" : "state", f.stateText));
	return cell;
}

function flowOf(record) {
	const flow = record.flow || {};
	const f = {
		timestamp: record.timestamp || "", src_ip: record.src_ip, src_port: record.src_port, dest_ip: record.dest_ip, dest_port: record.dest_port,
		proto: record.proto || "", app: record.app_proto && record.app_proto !== "unknown" && record.app_proto !== "failed" ? record.app_proto : "",
		hostname: (record.spanwatch && record.spanwatch.hostname) || "",
		packets: (flow.pkts_toserver || 0) + (flow.pkts_toclient || 0), bytes: (flow.bytes_toserver || 0) + (flow.bytes_toclient || 0),
		active: record.active === true,
	};
	const when = new Date(f.timestamp.replace(/(\.\d{3})\d*/, "$1").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
	f.time = Number.isNaN(when.getTime()) ? f.timestamp : `${when.toLocaleDateString("sv-SE")} ${when.toLocaleTimeString("sv-SE")}`;
	f.stateText = f.active ? flow.state || "active" : `${flow.state || "ended"}, ${(flow.reason || "ended").replace("_", " ")}`;
	f.search = [f.src_ip, f.src_port, f.dest_ip, f.dest_port, f.proto, f.app, f.hostname, f.stateText].join(" ").toLowerCase();
	return f;
}

function compare(a, b) {
	const key = COLUMNS[sorting.column].key, x = key(a), y = key(b);
	const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", {numeric: true});
	return sorting.down ? -order : order;
}

function flowRow(f) {
	const row = element("tr");
	for (const column of COLUMNS) {
		const cell = column.cell ? column.cell(f) : element("td", column.className, column.text(f));
		if (column.className === "host")
			cell.title = f.hostname;
		row.append(cell);
	}
	return row;
}

function showFlows() {
	const words = byId("filter").value.toLowerCase().split(/\s+/).filter((w) => w !== "");
	const shown = flows.filter((f) => words.every((w) => f.search.includes(w))).sort(compare);

	byId("flow_rows").replaceChildren(...shown.map(flowRow));
	byId("flows_empty").hidden = shown.length > 0;
	say("flows_empty", flows.length === 0 ? "No flow yet. They appear here as soon as a packet arrives." : "No flow matches this filter.");
	say("flows_count", words.length > 0 ? `${shown.length} of ${flows.length} shown` : `latest ${exact(flows.length)}, ${exact(flowsActive)} active`);
}

function showHeads() {
	byId("flow_heads").replaceChildren(...COLUMNS.map((column, i) => {
		const head = element("th", column.className === "right" ? "right" : ""), button = element("button", "", column.name);
		head.scope = "col";
		button.type = "button";
		if (i === sorting.column)
			head.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
		button.addEventListener("click", () => {
			sorting.down = sorting.column === i ? !sorting.down : column.down === true || i === 0;
			sorting.column = i;
			showHeads();
			byId("flow_heads").children[i].firstElementChild.focus();
			showFlows();
		});
		head.append(button);
		return head;
	}));
}

// ---- workers, ledger, ports ----

function showWorkers(lcores) {
	const workers = lcores.workers, total = (w) => sumOf(w.cycles_per_packet);
	const most = Math.max(1, ...workers.map(total)), packets = workers.reduce((n, w) => n + w.packets, 0);
	const stages = workers.length > 0 ? Object.keys(workers[0].cycles_per_packet) : [];

	byId("workers").replaceChildren(...workers.map((w) => {
		const box = element("div", "worker"), row = element("div", "row"), track = element("div", "track");
		const node = w.socket >= 0 ? `, NUMA node ${w.socket}` : "";
		row.append(element("b", "", `Worker ${w.id}`),
			element("span", "", `lcore ${w.lcore}${node}, ${w.idle}, ${count(w.packets)} packets, ${count(w.flows_active)} flows`),
			element("b", "", exact(Math.round(total(w)))));
		stages.forEach((stage, k) => {
			const part = element("i", `k${k % 8}`);
			part.style.width = `${100 * w.cycles_per_packet[stage] / most}%`;
			part.title = `${stage}: ${w.cycles_per_packet[stage].toFixed(1)} cycles`;
			track.append(part);
		});
		box.append(row, track);
		return box;
	}));
	byId("stages").replaceChildren(...stages.map((stage, k) => {
		const mean = packets > 0 ? workers.reduce((n, w) => n + w.cycles_per_packet[stage] * w.packets, 0) / packets : 0;
		const item = element("li");
		item.append(element("i", `k${k % 8}`), document.createTextNode(stage), element("b", "", mean < 10 ? mean.toFixed(1) : exact(Math.round(mean))));
		return item;
	}));
	say("steering", lcores.steering ? `Steering: ${lcores.steering}` : "");
}

function showLedger(ledger) {
	byId("ledger_rows").replaceChildren(...ledger.rows.map((r) => {
		const row = element("tr"), name = element("td", "", r.name);
		name.append(element("span", "says", r.says));
		row.append(name, element("td", "right", exact(r.left)), element("td", "right", exact(r.right)),
			element("td", r.difference !== 0 && ledger.quiet ? "right bad" : "right", exact(r.difference)));
		return row;
	}));
	say("ledger_note", `residual ${exact(ledger.residual)}${ledger.quiet ? "" : ", packets in flight"}`);
}

function showPorts(ports) {
	byId("port_rows").replaceChildren(...ports.map((p) => {
		const row = element("tr"), name = element("td", "", p.name);
		if (p.damage)
			name.append(element("span", "says", p.damage));
		row.append(name, element("td", "", `${p.kind} (${p.driver})`), element("td", "", p.link_up ? "up" : "down"),
			element("td", "right", exact(p.received)), element("td", "right", bytes(p.received_bytes)));
		for (const lost of [p.kernel_drops, p.missed, p.errors, p.nombuf])
			row.append(element("td", lost > 0 ? "right bad" : "right", exact(lost)));
		return row;
	}));
}

// ---- asking ----

const charts = {
	pps: new Chart(byId("chart_pps"), "Packets / s", "s0", count),
	bps: new Chart(byId("chart_bps"), "Bits / s", "s1", bits),
};
let failures = 0, lastAnswer = null;

async function ask(path) {
	const answer = await fetch(`api/v1/${path}`, {cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS)});
	const body = await answer.json();
	if (!answer.ok)
		throw new Error(body.error || `status ${answer.status}`);
	return body;
}

function show([health, stats, protocolsNow, lcores, ledger, flowsNow]) {
	const now = performance.now() / 1000;

	showHealth(health);
	showHeadline(stats, health);
	charts.pps.idle = health.replay !== null && health.replay.finished
		? `The replay took ${duration(stats.duration_s)} and is over: nothing more arrives` : "Nothing has arrived yet";
	charts.pps.add(now, stats.rates.pps);
	charts.bps.add(now, stats.rates.bps);
	protocols = protocolsNow;
	showProtocols();
	showWorkers(lcores);
	showLedger(ledger);
	showPorts(stats.ports);
	if (!held) {
		flows = flowsNow.flows.map(flowOf);
		flowsActive = flowsNow.active;
		showFlows();
	}
}

function showAway(error, waitMs) {
	const since = lastAnswer === null ? "" : ` What you see is ${duration((performance.now() - lastAnswer) / 1000)} old.`;
	const why = error instanceof TypeError || error.name === "TimeoutError" ? "The server does not answer." : `The server says: ${error.message}.`;

	byId("away").hidden = false;
	say("away", `${why}${since} Trying again in ${duration(waitMs / 1000)}.`);
	byId("status").className = "pill bad";
	say("status", "Away");
}

async function turn() {
	let wait = PERIOD_MS;
	try {
		show(await Promise.all(["health", "stats", "protocols", "lcores", "ledger", `flows?limit=${byId("limit").value}`].map(ask)));
		failures = 0;
		lastAnswer = performance.now();
		byId("away").hidden = true;
	} catch (error) {
		failures++;
		wait = Math.min(PERIOD_MAX_MS, PERIOD_MS * 2 ** Math.min(failures, 5));
		showAway(error, wait);
	}
	setTimeout(turn, document.hidden ? Math.max(wait, 5 * PERIOD_MS) : wait);
}

for (const button of document.querySelectorAll("[data-group]"))
	button.addEventListener("click", () => {
		group = button.dataset.group;
		for (const other of document.querySelectorAll("[data-group]"))
			other.setAttribute("aria-pressed", String(other === button));
		if (protocols !== null)
			showProtocols();
	});
byId("filter").addEventListener("input", showFlows);
byId("hold").addEventListener("click", () => {
	held = !held;
	byId("hold").setAttribute("aria-pressed", String(held));
	say("hold", held ? "Held" : "Hold");
});
showHeads();
turn();
