/* format.js - how times, counts and names are written; small helpers of the page.
 *
 * Times are nanoseconds since the start of the recording, as doubles (exact to 104 days). */

const UNITS = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

/* A duration with three or four significant digits and the unit that suits it. */
function fmtDur(ns)
{
    if (!isFinite(ns))
        return '–';
    const neg = ns < 0 ? '−' : '';
    ns = Math.abs(ns);
    for (const [size, unit] of UNITS) {
        if (ns < size && unit !== 'ns')
            continue;
        const v = ns / size;
        const digits = unit === 'ns' ? 0 : v < 10 ? 3 : v < 100 ? 2 : 1;
        return neg + v.toFixed(digits) + ' ' + unit;
    }
    return '0 ns';
}

/* A point in time, precise to step: as many decimals as it takes, in groups of three. */
function fmtTime(ns, step)
{
    const [size, unit] = UNITS.find(([s]) => Math.abs(ns) >= s) || UNITS[3];
    const digits = Math.max(0, Math.min(9, Math.ceil(Math.log10(size / Math.max(step, 1)))));
    let s = (ns / size).toFixed(digits);
    const dot = s.indexOf('.');
    if (dot >= 0 && digits > 5)
        s = s.slice(0, dot + 1) + s.slice(dot + 1).replace(/(\d{3})(?=\d)/g, '$1\u2009');
    return s + ' ' + unit;
}

function fmtCount(n)
{
    return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

function fmtPercent(share)
{
    const v = share * 100;
    return (v > 0 && v < 0.1 ? '<0.1' : v.toFixed(v < 10 ? 1 : 0)) + ' %';
}

/* The 1-2-5 step that gives about one tick per px_wanted pixels. */
function tickStep(ns_per_px, px_wanted)
{
    const raw = Math.max(1, ns_per_px * px_wanted);
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    for (const f of [1, 2, 5])
        if (power * f >= raw)
            return power * f;
    return power * 10;
}

function clamp(v, lo, hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

function byId(id)
{
    return document.getElementById(id);
}

/* An element with a class, attributes and children; text becomes text nodes, never markup. */
function el(tag, attrs, ...children)
{
    const e = document.createElement(tag);
    for (const k in attrs || {}) {
        if (k.startsWith('on'))
            e.addEventListener(k.slice(2), attrs[k]);
        else if (attrs[k] !== undefined && attrs[k] !== null)
            e.setAttribute(k, attrs[k]);
    }
    for (const c of children.flat(Infinity))
        if (c !== null && c !== undefined)
            e.append(c);
    return e;
}
