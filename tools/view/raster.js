/* raster.js - draws lanes into a picture, pixel by pixel.
 *
 * A lane is walked once per frame from left to right.  A span that covers whole columns of pixels
 * becomes a rectangle.  Where more than two spans meet in one column, the column shows the exact
 * share of each state, stacked from the bottom, and a dotted line above says that there is more to
 * see.  The walk costs one search per column, however many spans lie under it.
 *
 * Columns and rows here are device pixels. */

class Raster {
    constructor()
    {
        this.width = this.height = 0;
        this.shares = new Float64Array(NC);
        this.labels = [];
    }

    resize(width, height)
    {
        if (width === this.width && height === this.height)
            return;
        this.width = width;
        this.height = height;
        this.image = new ImageData(Math.max(1, width), Math.max(1, height));
        this.px = new Uint32Array(this.image.data.buffer);
    }

    begin(theme, view, scale)
    {
        this.theme = theme;
        this.scale = scale;
        this.t0 = view.t0;
        this.ns_per_px = (view.t1 - view.t0) / this.width;
        this.labels.length = 0;
        this.px.fill(theme.bg32);
    }

    rect(x0, x1, y0, y1, colour)
    {
        y0 = Math.max(0, y0);
        y1 = Math.min(this.height, y1);
        x0 = Math.max(0, x0);
        x1 = Math.min(this.width, x1);
        for (let y = y0; y < y1 && x0 < x1; y++)
            this.px.fill(colour, y * this.width + x0, y * this.width + x1);
    }

    hatch(x0, x1, y0, y1, colour, line)
    {
        const period = Math.round(5 * this.scale), on = Math.max(1, Math.round(1.4 * this.scale));
        y0 = Math.max(0, y0);
        y1 = Math.min(this.height, y1);
        x0 = Math.max(0, x0);
        x1 = Math.min(this.width, x1);
        for (let y = y0; y < y1; y++) {
            const row = y * this.width;
            for (let x = x0; x < x1; x++)
                this.px[row + x] = (x + y) % period < on ? line : colour;
        }
    }

    /* One span over the columns [x0, x1): its shape tells its class, its last column is softened so
     * that neighbours of one colour stay apart. */
    span(kind, cls, x0, x1, y, h)
    {
        const style = this.theme.style[kind][cls], fill = this.theme.fill[kind][cls];
        let top = y, bottom = y + h;
        if (style === STYLE_BLANK)
            return;
        if (style === STYLE_SLIM) {
            top = y + Math.round(h * 0.2);
            bottom = y + h - Math.round(h * 0.2);
        } else if (style === STYLE_THIN) {
            top = y + Math.round(h * 0.44);
            bottom = y + h - Math.round(h * 0.44);
        }
        const gap = x1 - x0 >= 3 ? 1 : 0;
        if (style === STYLE_HATCH)
            this.hatch(x0, x1 - gap, top, bottom, fill, this.theme.hatch32);
        else
            this.rect(x0, x1 - gap, top, bottom, fill);
        if (gap)
            this.rect(x1 - 1, x1, top, bottom, mix(fill, this.theme.bg32, 0.35));
        if (x1 - x0 >= 6 * this.scale && style !== STYLE_THIN)
            this.round(x0, x1 - gap, top, bottom);
    }

    /* Softens the corners of a rectangle. */
    round(x0, x1, y0, y1)
    {
        const soften = (x, y) => {
            if (x < 0 || x >= this.width || y < 0 || y >= this.height)
                return;
            const at = y * this.width + x;
            this.px[at] = mix(this.px[at], this.theme.bg32, 0.4);
        };
        soften(x0, y0);
        soften(x0, y1 - 1);
        soften(x1 - 1, y0);
        soften(x1 - 1, y1 - 1);
    }

    /* Several spans in column x: the share of each class, from the bottom up. */
    column(kind, x, y, h, a, b)
    {
        const { px, width, shares } = this, { fill, style, stack } = this.theme;
        const scale = h / (b - a), bottom = y + h;
        let filled = 0, acc = 0;
        for (const cls of stack[kind]) {
            if (!(shares[cls] > 0) || style[kind][cls] === STYLE_BLANK)
                continue;
            acc += shares[cls] * scale;
            const upto = Math.min(h, Math.max(Math.round(acc), filled + 1));
            const colour = style[kind][cls] === STYLE_THIN
                ? mix(fill[kind][cls], this.theme.bg32, 0.5) : fill[kind][cls];
            const from = Math.max(0, bottom - upto), to = Math.min(this.height, bottom - filled);
            for (let at = from * width + x, row = from; row < to; row++, at += width)
                px[at] = colour;
            filled = upto;
        }
    }

    /* Lane l of kind k in rows [y, y + h).  Labels of spans that have room are remembered. */
    lane(k, l, y, h)
    {
        const { t0, ns_per_px: dt, width } = this;
        const hi = k.off[l + 1];
        let i = spanAfter(k, k.off[l], hi, t0);
        const label_px = 26 * this.scale;
        let more_from = -1;
        let x = i < hi ? Math.max(0, Math.floor((k.begin[i] - t0) / dt)) : width;
        while (x < width && i < hi) {
            const a = t0 + x * dt, b = a + dt;
            if (k.begin[i] >= b) {
                x = Math.max(x + 1, Math.floor((k.begin[i] - t0) / dt));
                continue;
            }
            const j = spanAfterNear(k, i, hi, b); /* first that goes on beyond this column */
            const last = j < hi && k.begin[j] < b;
            if (this.isMixed(k, i, j, last)) {
                this.shares.fill(0);
                addShares(k, i, last ? j + 1 : j, a, b, this.shares);
                this.column(k.kind, x, y, h, a, b);
                if (more_from < 0)
                    more_from = x;
                i = j;
                x++;
                if (!last)
                    more_from = this.more(more_from, x, y);
                continue;
            }
            more_from = this.more(more_from, x, y);
            const s = this.widest(k, i, j, last, a, b);
            if (k.fold && k.fold[s]) {
                [i, x] = this.folded(k, s, x, y, h, hi);
                continue;
            }
            const x1 = clamp(Math.round((k.end[s] - t0) / dt), x + 1, width);
            this.span(k.kind, k.cls[s], x, x1, y, h);
            if (x1 - x >= label_px)
                this.labels.push(k, s, x, x1, y, h);
            i = s;
            x = x1;
            i = spanAfterNear(k, i, hi, t0 + x * dt);
        }
        this.more(more_from, x, y);
    }

    /* The row of sums that span s belongs to: its shares over all of its time.  Returns the first
     * span and column behind it. */
    folded(k, s, x, y, h, hi)
    {
        const { t0, ns_per_px: dt } = this, row = foldOf(k, s), { shares } = this;
        const x1 = clamp(Math.round((row.end - t0) / dt), x + 1, this.width);
        shares.fill(0);
        for (let i = row.lo; i < row.hi; i++)
            shares[k.cls[i]] += k.end[i] - k.begin[i];
        for (let c = x; c < x1; c++)
            this.column(k.kind, c, y, h, row.begin, row.end);
        this.more(x, x1, y);
        return [spanAfterNear(k, s, hi, t0 + x1 * dt), x1];
    }

    /* Do more than two spans of some length meet in the column that spans [i, j) end in? */
    isMixed(k, i, j, last)
    {
        let n = j - i + (last ? 1 : 0);
        if (n <= 2 || n > 6)
            return n > 2;
        for (let s = i; s < j; s++)
            n -= k.end[s] === k.begin[s];
        return n > 2;
    }

    /* Of the few spans that touch the column [a, b): the one that covers most of it. */
    widest(k, i, j, last, a, b)
    {
        let best = i, most = -1;
        for (let s = i; s < j + (last ? 1 : 0); s++) {
            const cover = Math.min(k.end[s], b) - Math.max(k.begin[s], a);
            if (cover > most) {
                most = cover;
                best = s;
            }
        }
        return best;
    }

    /* The dotted line over columns [from, x) that show several spans each. */
    more(from, x, y)
    {
        if (from < 0)
            return -1;
        const period = Math.round(3 * this.scale), row = Math.round(y - 1);
        if (row >= 0 && row < this.height)
            for (let c = from; c < Math.min(x, this.width); c++)
                if (c % period === 0)
                    this.px[row * this.width + c] = this.theme.more32;
        return -1;
    }

    /* How many wait for the object of lane l, as an area; most is the value of the full height. */
    waiters(k, l, y, h, most, colour)
    {
        const edge = colour, body = mix(colour, this.theme.bg32, 0.5), dt = this.ns_per_px;
        let [before, i] = waitedUntil(k, l, this.t0, 0);
        for (let x = 0; x < this.width; x++) {
            const [until, j] = waitedUntil(k, l, this.t0 + (x + 1) * dt, i);
            const v = (until - before) / dt / most, thin = Math.max(1, Math.round(this.scale));
            const up = v > 0 ? Math.max(1, Math.round(Math.min(1, v) * h - 1e-6)) : 0;
            const top = y + h - up;
            this.rect(x, x + 1, top, y + h, body);
            this.rect(x, x + 1, top, Math.min(top + thin, y + h), edge);
            before = until;
            i = j;
        }
        this.waiterLabels(k, l, y, h);
    }

    waiterLabels(k, l, y, h)
    {
        const hi = k.off[l + 1], room = 26 * this.scale, dt = this.ns_per_px;
        let i = spanAfter(k, k.off[l], hi, this.t0), left = 4000;
        for (; i < hi && k.begin[i] < this.t0 + this.width * dt && left > 0; left--) {
            const x0 = Math.max(0, Math.round((k.begin[i] - this.t0) / dt));
            const x1 = Math.min(this.width, Math.round((k.end[i] - this.t0) / dt));
            if (x1 - x0 >= room && k.count[i])
                this.labels.push(k, i, x0, x1, y, h);
            i = x1 - x0 < 2 ? Math.max(i + 1, spanAfterNear(k, i, hi, this.t0 + (x0 + 1) * dt))
                            : i + 1;
        }
    }

    /* A counter over time as an area; max is the value of the full height. */
    area(counter, y, h, max, colour)
    {
        const edge = mix(colour, 0xff000000, 0.82);
        let a = this.t0, ca = counterAt(counter, a);
        for (let x = 0; x < this.width; x++) {
            const b = this.t0 + (x + 1) * this.ns_per_px, cb = counterAt(counter, b, ca);
            const v = counterMean(counter, a, b, ca, cb) / max;
            const up = v > 0 ? Math.max(1, Math.round(Math.min(1, v) * h)) : 0;
            const from = Math.max(0, y + h - up), to = Math.min(this.height, y + h);
            for (let at = from * this.width + x, row = from; row < to; row++, at += this.width)
                this.px[at] = row === y + h - up && up > 1 ? edge : colour;
            a = b;
            ca = cb;
        }
    }
}
