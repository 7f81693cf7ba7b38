/* find.js - a query asked about the spans of the page. */

/* One G span as a subject of a query: at(i) moves it; names are looked up when they are asked. */
class SpanSubject {
    constructor(trace)
    {
        this.trace = trace;
        this.G = trace.kinds[KIND_G];
        this.is_span = true;
        this.names = new Map(); /* of objects, by reason and number */
    }
    at(i)
    {
        this.i = i;
        this.goroutine = this.trace.goroutines[this.G.lane[i]];
        return this;
    }
    of(goroutine)
    {
        this.i = -1;
        this.goroutine = goroutine;
        return this;
    }
    get g() { return this.goroutine.id; }
    get label() { return this.goroutine.label; }
    get fn() { return this.goroutine.fn; }
    get state() { const c = this.G.cls[this.i]; return c === CL_UNKNOWN ? -1 : c; }
    get blocked() { return this.G.state[this.i] === G_BLOCKED; }
    get why() { return this.blocked ? this.trace.meta.reasons[this.G.why[this.i]].name : ''; }
    get obj()
    {
        if (!this.blocked || !this.G.obj[this.i])
            return '';
        const key = this.G.obj[this.i] * 256 + this.G.why[this.i];
        let name = this.names.get(key);
        if (name === undefined)
            this.names.set(key, name = objectName(this.trace, this.i));
        return name;
    }
    get addr() { return this.blocked ? this.trace.objects[this.G.obj[this.i]] || 0 : 0; }
    get by()
    {
        const g = wokenByOf(this.trace, this.i);
        return g < 0 ? 0 : this.trace.goroutines[g].id;
    }
    get by_label()
    {
        const g = wokenByOf(this.trace, this.i);
        return g < 0 ? '' : this.trace.goroutines[g].label;
    }
    get frame() { return userFrame(this.trace, this.G.stack[this.i]); }
    get at_function() { return this.frame ? this.frame.fn : ''; }
    get at_file() { return this.frame ? this.frame.file : ''; }
    get at_line() { return this.frame ? this.frame.line : 0; }
    get p() { return this.G.p[this.i]; }
    get m()
    {
        const m = this.G.m[this.i];
        return m < 0 ? -1 : this.trace.meta.threads[m].id;
    }
    get begin() { return this.G.begin[this.i]; }
    get end() { return this.G.end[this.i]; }
}

/* Where the program called the runtime: the innermost frame that is not the runtime's. */
function userFrame(trace, stack)
{
    const frames = trace.stacks.get(stack);
    return frames ? frames.find(f => !f.runtime) : undefined;
}

/* The goroutine that ended a wait or made one runnable, or -1. */
function wokenByOf(trace, i)
{
    const G = trace.kinds[KIND_G];
    return G.state[i] === G_BLOCKED || G.state[i] === G_RUNNABLE ? G.by[i] : -1;
}

/* { lane(g), span(i) } or { error, column }; span is null when the query speaks only of goroutines.
 * What a query says of goroutines alone, beside other terms, is asked once a lane. */
function makeQuery(trace, text)
{
    const { root, error, column } = parseQuery(text, trace.meta.event_names);
    if (error)
        return { error, column };
    const subject = new SpanSubject(trace), whole = queryTest(root);
    const of_lane = (root.kind === 'and' ? root.parts : [root]).filter(asksOnlyGoroutines)
        .map(queryTest);
    return {
        lane: g => of_lane.every(f => f(subject.of(g))),
        span: asksOnlyGoroutines(root) ? null : i => whole(subject.at(i)),
    };
}

/* Does lane g hold anything the query asks for? */
function laneMatches(trace, query, g)
{
    if (!query.lane(g))
        return false;
    if (!query.span)
        return true;
    const G = trace.kinds[KIND_G];
    for (let i = G.off[g.index]; i < G.off[g.index + 1]; i++)
        if (query.span(i))
            return true;
    return false;
}

/* text as a value of a field: in quotes where it must be. */
function queryValue(text)
{
    return /^[^\s,()"*?]+$/.test(text) ? text : '"' + text.replace(/["\\]/g, '\\$&') + '"';
}
