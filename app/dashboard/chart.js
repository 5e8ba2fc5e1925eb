"use strict";
// A small time chart in SVG: one series, a span that grows with what is known up to SPAN_S, a scale that ends on a round number, the value under the pointer.

const SPAN_S = 300;
const SPANS_S = [60, 120, SPAN_S];
const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

function svg(name, attributes, parent) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const key of Object.keys(attributes))
		node.setAttribute(key, attributes[key]);
	if (parent)
		parent.append(node);
	return node;
}

function roundUp(value) {
	const power = 10 ** Math.floor(Math.log10(value));
	return STEPS.find((step) => step * power >= value) * power;
}

class Chart {
	constructor(box, name, kind, format) {
		this.box = box;
		this.name = name;
		this.format = format;
		this.points = []; // {at: seconds, value}
		this.pointer = null;
		this.idle = ""; // what is said while there is nothing to draw
		box.classList.add(kind);
		box.addEventListener("pointermove", (event) => { this.pointer = event.offsetX; this.draw(); });
		box.addEventListener("pointerleave", () => { this.pointer = null; this.draw(); });
		new ResizeObserver(() => this.draw()).observe(box);
	}

	add(at, value) {
		this.points.push({at, value});
		while (this.points.length > 0 && this.points[0].at < at - SPAN_S - 2)
			this.points.shift();
		this.draw();
	}

	draw() {
		const width = this.box.clientWidth, height = this.box.clientHeight;
		const most = Math.max(0, ...this.points.map((p) => p.value));
		const left = 2, right = width - (most > 0 ? 72 : 2), top = 24, bottom = height - 18;
		if (width === 0 || this.points.length === 0)
			return;
		const now = this.points[this.points.length - 1].at;
		const scale = most > 0 ? roundUp(most) : 1;
		const span = SPANS_S.find((s) => s >= now - this.points[0].at) || SPAN_S;
		const x = (at) => right - (now - at) / span * (right - left);
		const y = (value) => bottom - value / scale * (bottom - top);
		const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"});
		svg("title", {}, root).textContent = `${this.name}: now ${this.format(this.points[this.points.length - 1].value)}, highest ${this.format(most)}`;
		this.frame(root, {left, right, top, bottom, scale, most, span, y});
		const seen = this.points.filter((p) => p.at >= now - span);
		const line = seen.map((p) => `${x(p.at).toFixed(1)} ${y(p.value).toFixed(1)}`).join("L");
		svg("path", {class: "area", d: `M${x(seen[0].at).toFixed(1)} ${bottom}L${line}L${right} ${bottom}Z`}, root);
		svg("path", {class: "line", d: `M${line}`}, root);
		if (most === 0)
			svg("text", {class: "axis", x: (left + right) / 2, y: (top + bottom) / 2 - 12, "text-anchor": "middle"}, root).textContent = this.idle;
		this.cursor(root, seen, x, y, {left, right, top, bottom, now});
		this.box.replaceChildren(root);
	}

	frame(root, f) {
		svg("text", {class: "name", x: f.left, y: 12}, root).textContent = this.name;
		for (const part of [0, 0.5, 1]) {
			const at = f.y(f.scale * part);
			svg("line", {class: "grid", x1: f.left, x2: f.right, y1: at, y2: at}, root);
			if (f.most > 0)
				svg("text", {class: "axis", x: f.right + 8, y: at + 4}, root).textContent = part === 0 ? "0" : this.format(f.scale * part).replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
		}
		const step = f.span > 120 ? 60 : f.span / 4;
		for (let ago = 0; ago <= f.span; ago += step) {
			const at = f.right - ago / f.span * (f.right - f.left);
			const anchor = ago === 0 ? "end" : ago === f.span ? "start" : "middle";
			const text = ago === 0 ? "now" : f.span > 120 ? `-${ago / 60} min` : `-${ago} s`;
			svg("text", {class: "axis", x: at, y: f.bottom + 14, "text-anchor": anchor}, root).textContent = text;
		}
	}

	cursor(root, seen, x, y, f) {
		if (this.pointer === null || this.pointer < f.left || this.pointer > f.right)
			return;
		const near = seen.reduce((a, b) => (Math.abs(x(a.at) - this.pointer) <= Math.abs(x(b.at) - this.pointer) ? a : b));
		const at = x(near.at);
		svg("line", {class: "cursor", x1: at, x2: at, y1: f.top, y2: f.bottom}, root);
		svg("circle", {class: "dot", cx: at, cy: y(near.value), r: 3.5}, root);
		svg("text", {class: "axis", x: f.right, y: 12, "text-anchor": "end"}, root).textContent =
			`${this.format(near.value)}, ${Math.round(f.now - near.at)} s ago`;
	}
}
