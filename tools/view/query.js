/* query.js - the query language of the terminal, for the page: "g:worker* state:chan dur>1ms".
 *
 *     query   = [ any ]
 *     any     = all { "or" all }
 *     all     = part { [ "and" ] part }
 *     part    = { "not" | "-" } ( "(" any ")" | term )
 *     term    = FIELD ( ":" | "=" | "!=" ) value { "," value }
 *             | NUMBER-FIELD ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) NUMBER
 *             | value                      (a word that occurs in a name)
 *     value   = '"' text '"' | word        (\" and \\ in a text)
 *
 * The other implementation is trace/query.c; tests/query_cases.txt is the table that holds for
 * both.  parseQuery() gives a tree of plain objects, queryTest() makes a function of it that asks a
 * subject, an object with the names of struct tr_subject. */

const QUERY_LENGTH_MAX = 4096, QUERY_DEPTH_MAX = 64, NO_NUMBER = 2 ** 64;

/* Field names, and what the values of each are. */
const QUERY_FIELDS = { g: 'goroutine', fn: 'pattern', state: 'state', why: 'pattern', obj: 'object',
                       p: 'number', m: 'number', dur: 'time', t: 'time', by: 'goroutine',
                       at: 'pattern', event: 'event', text: 'pattern' };
const QUERY_STATES = ['running', 'runnable', 'chan', 'mutex', 'select', 'net', 'syscall', 'sleep',
                      'other', 'blocked'];

/* ASCII only, as in C. */
function lowerAscii(s)
{
    return s.replace(/[A-Z]/g, c => c.toLowerCase());
}

/* Whether text is what the pattern (in lower case) says: * any characters, ? one. */
function patternMatches(pattern, text)
{
    let p = 0, t = 0, star = -1, again = 0;
    text = lowerAscii(text);
    while (t < text.length) {
        if (pattern[p] === '*') {
            star = p++;
            again = t;
        } else if (p < pattern.length && pattern[p] === '?') {
            p++;
            t += text.codePointAt(t) > 0xffff ? 2 : 1;
        } else if (p < pattern.length && pattern[p] === text[t]) {
            p++;
            t++;
        } else if (star >= 0) {
            p = star + 1;
            t = ++again;
        } else {
            return false;
        }
    }
    while (pattern[p] === '*')
        p++;
    return p === pattern.length;
}

class QueryFault extends Error {
    constructor(parser, at, message)
    {
        super(message);
        this.column = [...parser.text.slice(0, at)].length + 1;
    }
}

/* A number without sign that 64 bits hold, or NaN. */
function queryNumber(text, base)
{
    if (!(base === 16 ? /^[0-9a-f]+$/i : /^[0-9]+$/).test(text))
        return NaN;
    const n = BigInt((base === 16 ? '0x' : '') + text);
    return n < 2n ** 64n ? Number(n) : NaN;
}

/* "12", "3..7", G12 or P0 with the letter: { lo, hi } or null. */
function queryRange(text, letter)
{
    const dots = text.indexOf('..'), ends = dots < 0 ? [text]
                                            : [text.slice(0, dots), text.slice(dots + 2)];
    const [lo, hi] = ends.map(e => queryNumber(
        e.length > 1 && lowerAscii(e[0]) === letter ? e.slice(1) : e, 10));
    return isNaN(lo) || (dots >= 0 && isNaN(hi)) ? null : { lo, hi: dots < 0 ? lo : hi };
}

/* "1.5ms" -> ns, or NaN. */
function queryTime(text)
{
    const m = /^([0-9]*)(\.([0-9]*))?(ns|us|ms|s|)$/.exec(text);
    if (!m || !(m[1] || m[3]))
        return NaN;
    const unit = { '': 1, ns: 1, us: 1e3, ms: 1e6, s: 1e9 }[m[4]];
    const ns = parseFloat((m[1] || '0') + '.' + (m[3] || '0')) * unit;
    return ns < 9e18 ? Math.floor(ns + 0.5) : NaN;
}

class QueryParser {
    /* events: names of events, for terms that ask for one. */
    constructor(text, events)
    {
        this.text = text;
        this.events = events;
        this.at = 0;
        this.depth = 0;
    }
    fail(at, message)
    {
        throw new QueryFault(this, at, message);
    }
    here(by = 0)
    {
        return this.text[this.at + by];
    }
    endsWord(c)
    {
        return c === undefined || /[ \t-\r()"]/.test(c);
    }
    skipSpace()
    {
        while (/[ \t-\r]/.test(this.here() || 'x'))
            this.at++;
    }
    keyword(word, step = true)
    {
        const end = this.at + word.length;
        if (lowerAscii(this.text.slice(this.at, end)) !== word || !this.endsWord(this.text[end]))
            return false;
        if (step)
            this.at = end;
        return true;
    }

    /* ---- values ---- */

    quoted()
    {
        const open = this.at++;
        let text = '';
        while (this.at < this.text.length && this.here() !== '"') {
            if (this.here() === '\\' && (this.here(1) === '"' || this.here(1) === '\\'))
                this.at++;
            text += this.text[this.at++];
        }
        if (this.here() !== '"')
            this.fail(open, 'this quote is not closed');
        this.at++;
        return text;
    }
    pattern(at, form, text)
    {
        const pattern = lowerAscii(text);
        if (form === 'event' && !this.events.some(name => patternMatches(pattern, name)))
            this.fail(at, `there is no event ${text}; ` +
                      'goshawk trace dump shows what they are called');
        return { pattern };
    }
    word(at, field, form, text)
    {
        if (form === 'state') {
            if (!QUERY_STATES.includes(lowerAscii(text)))
                this.fail(at, `there is no state ${text}; take one of ${QUERY_STATES.join(', ')}`);
            return { state: lowerAscii(text) };
        }
        if (form === 'number') {
            const range = text === 'none' ? { lo: NO_NUMBER, hi: NO_NUMBER }
                                          : queryRange(text, field[0]);
            return range || this.fail(at, `${field} takes a number, a range such as 0..3, or none`);
        }
        if (form === 'object' && /^0x./i.test(text)) {
            const n = queryNumber(text.slice(2), 16);
            return isNaN(n) ? this.fail(at, 'this is no address') : { lo: n, hi: n };
        }
        const range = form === 'goroutine' ? queryRange(text, 'g') : null;
        return range || this.pattern(at, form, text);
    }
    values(field, form)
    {
        const list = [];
        for (;;) {
            const at = this.at;
            if (this.here() === '"') {
                if (form === 'state' || form === 'number')
                    this.fail(at, `${field} takes no quoted text`);
                list.push(this.pattern(at, form, this.quoted()));
            } else {
                while (!this.endsWord(this.here()) && this.here() !== ',')
                    this.at++;
                if (this.at === at)
                    this.fail(at, `${field}: a value is missing here`);
                list.push(this.word(at, field, form, this.text.slice(at, this.at)));
            }
            if (this.here() !== ',')
                break;
            this.at++;
        }
        if (!this.endsWord(this.here()))
            this.fail(this.at, 'a space is missing here');
        return list;
    }
    bound(field, form)
    {
        const at = this.at, number = form === 'number';
        while (!this.endsWord(this.here()) && this.here() !== ',')
            this.at++;
        const text = this.text.slice(at, this.at), v = number ? queryNumber(text, 10)
                                                              : queryTime(text);
        if (!text)
            this.fail(at, `${field}: a ${number ? 'number' : 'time'} is missing here`);
        if (isNaN(v))
            this.fail(at, number ? 'this is no number'
                                 : 'this is no time; write 1.5ms, 20us or 3s');
        if (this.here() === ',')
            this.fail(this.at, 'a comparison has one value');
        return v;
    }

    /* ---- terms ---- */

    term()
    {
        const begin = this.at, m = /^([a-z]+)(!=|<=|>=|[:=<>])/i.exec(this.text.slice(begin));
        if (!m)
            return this.bareWord();
        const field = lowerAscii(m[1]), form = QUERY_FIELDS[field], op = m[2];
        if (!Object.hasOwn(QUERY_FIELDS, field))
            this.fail(begin, `there is no field ${m[1]}; take one of ` +
                      `${Object.keys(QUERY_FIELDS).join(', ')}, or put the text in quotes`);
        const sign = begin + m[1].length, order = /[<>]/.test(op);
        this.at = sign + op.length;
        if (form === 'time' && op === ':')
            this.fail(sign, `${field} needs a comparison, such as ${field}>1ms`);
        if (order && form !== 'time' && form !== 'number')
            this.fail(sign, `${m[1]} cannot be compared; write ${m[1]}:VALUE`);
        const compares = form === 'time' || order;
        return { kind: 'term', field, op, bound: compares ? this.bound(field, form) : null,
                 values: compares ? [] : this.values(field, form) };
    }
    bareWord()
    {
        const at = this.at;
        let text;
        if (this.here() === '"') {
            text = this.quoted();
        } else {
            while (!this.endsWord(this.here()))
                this.at++;
            text = this.text.slice(at, this.at);
            if (!text)
                this.fail(at, 'something to look for is missing ' +
                          (this.here() ? 'before this' : 'here'));
        }
        return { kind: 'term', field: '', op: ':', bound: null,
                 values: [{ pattern: lowerAscii(text) }] };
    }
    minus()
    {
        const next = this.here(1);
        if (this.here() !== '-' || next === undefined || /[ \t-\r)]/.test(next))
            return false;
        this.at++;
        return true;
    }
    part()
    {
        this.skipSpace();
        if (++this.depth > QUERY_DEPTH_MAX)
            this.fail(this.at, 'this is nested too deeply');
        const open = this.at;
        let node;
        if (this.keyword('not') || this.minus()) {
            node = { kind: 'not', parts: [this.part()] };
        } else if (this.here() === '(') {
            this.at++;
            node = this.any();
            this.skipSpace();
            if (this.here() !== ')')
                this.fail(open, 'this parenthesis is not closed');
            this.at++;
        } else {
            node = this.term();
        }
        this.depth--;
        return node;
    }
    all()
    {
        const parts = [this.part()];
        for (;;) {
            this.skipSpace();
            if (this.at >= this.text.length || this.here() === ')' || this.keyword('or', false))
                return parts.length > 1 ? { kind: 'and', parts } : parts[0];
            this.keyword('and');
            parts.push(this.part());
        }
    }
    any()
    {
        const parts = [this.all()];
        for (;;) {
            this.skipSpace();
            if (!this.keyword('or'))
                return parts.length > 1 ? { kind: 'or', parts } : parts[0];
            parts.push(this.all());
        }
    }
    query()
    {
        this.skipSpace();
        if (this.text.length > QUERY_LENGTH_MAX)
            this.fail(QUERY_LENGTH_MAX, 'the query is too long');
        if (this.at >= this.text.length)
            return { kind: 'and', parts: [] };
        const root = this.any();
        this.skipSpace();
        if (this.at < this.text.length)
            this.fail(this.at, 'this parenthesis was never opened');
        return root;
    }
}

/* { root } or { error, column }. */
function parseQuery(text, events)
{
    try {
        return { root: new QueryParser(text, events).query() };
    } catch (e) {
        if (!(e instanceof QueryFault))
            throw e;
        return { error: e.message, column: e.column };
    }
}

/* ---- asking ---- */

function nameIs(v, name)
{
    return v.pattern !== undefined && !!name && patternMatches(v.pattern, name);
}

function numberIs(v, n)
{
    return v.pattern === undefined && n >= v.lo && n <= v.hi;
}

/* "file.c:12", and the same without folders. */
function placeIs(v, s)
{
    const place = s.at_file ? `${s.at_file}:${s.at_line}` : '';
    return nameIs(v, place) || (place.includes('/') && nameIs(v, place.replace(/^.*\//, '')));
}

const orNone = n => n < 0 ? NO_NUMBER : n;
const QUERY_ASK = {
    '': (v, s) => [s.label, s.fn, s.why, s.obj, s.text, s.category].some(
        text => text && lowerAscii(text).includes(v.pattern)),
    g: (v, s) => numberIs(v, s.g) || nameIs(v, s.label) || nameIs(v, s.fn),
    fn: (v, s) => nameIs(v, s.fn),
    state: (v, s) => v.state === (s.state < 0 ? null : QUERY_STATES[s.state]) ||
                     (v.state === 'blocked' && s.blocked),
    why: (v, s) => nameIs(v, s.why),
    obj: (v, s) => nameIs(v, s.obj) || (s.addr > 0 && numberIs(v, s.addr)),
    p: (v, s) => numberIs(v, orNone(s.p)),
    m: (v, s) => numberIs(v, orNone(s.m)),
    by: (v, s) => numberIs(v, s.by) || nameIs(v, s.by_label),
    at: (v, s) => nameIs(v, s.at_function) || placeIs(v, s),
    event: (v, s) => nameIs(v, s.event),
    text: (v, s) => nameIs(v, s.text) || nameIs(v, s.category),
};
/* A span is at a time where any of it is: from lo to hi. */
const QUERY_COMPARE = {
    '<': (lo, hi, v) => lo < v, '<=': (lo, hi, v) => lo <= v,
    '>': (lo, hi, v) => hi > v, '>=': (lo, hi, v) => hi >= v,
    '!=': (lo, hi, v) => lo > v || hi < v, '=': (lo, hi, v) => lo <= v && v <= hi,
};

function boundTest(t)
{
    const holds = QUERY_COMPARE[t.op], v = t.bound;
    if (t.field === 'dur')
        return s => s.is_span && holds(s.end - s.begin, s.end - s.begin, v);
    if (t.field === 't')
        return s => holds(s.begin, s.end, v);
    return s => s[t.field] >= 0 && holds(s[t.field], s[t.field], v);
}

/* A tree of parseQuery() as a function of a subject. */
function queryTest(node)
{
    if (node.kind === 'term') {
        if (node.bound !== null)
            return boundTest(node);
        const ask = QUERY_ASK[node.field], { values } = node, wanted = node.op !== '!=';
        return s => values.some(v => ask(v, s)) === wanted;
    }
    const parts = node.parts.map(queryTest);
    return node.kind === 'not' ? s => !parts[0](s)
           : node.kind === 'and' ? s => parts.every(f => f(s)) : s => parts.some(f => f(s));
}

/* The fields that a tree asks about. */
function queryFields(node, out = new Set())
{
    if (node.kind === 'term')
        out.add(node.field);
    else
        node.parts.forEach(p => queryFields(p, out));
    return out;
}

function asksOnlyGoroutines(node)
{
    return [...queryFields(node)].every(f => f === 'g' || f === 'fn');
}
