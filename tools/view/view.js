/* view.js - draws the layout: lanes, labels, ruler, minimap.
 *
 * One canvas holds the lanes (a picture made by raster.js, with labels written over it), a second
 * one above it what changes with the pointer: selection, arrows, marks.  Both stick to the top of a
 * scrolling box whose height is that of all lanes together, so only lanes in sight are touched. */

const ARROWS_MAX = 1500;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", ' +
             'sans-serif';

class View extends Layout {
    request()
    {
        if (!this.pending)
            this.pending = requestAnimationFrame(now => {
                this.pending = 0;
                this.animate(now);
                this.draw();
                if (this.target)
                    this.request();
            });
    }

    resize()
    {
        this.width = this.box.clientWidth;
        this.height = this.box.clientHeight;
        this.scale = window.devicePixelRatio || 1;
        for (const c of [this.canvas, this.over]) {
            c.width = Math.round(this.width * this.scale);
            c.height = Math.round(this.height * this.scale);
            c.style.width = this.width + 'px';
            c.style.height = this.height + 'px';
        }
        for (const [id, h] of [['minimap', MINIMAP_H], ['ruler', RULER_H]]) {
            const c = byId(id);
            c.width = Math.round(this.width * this.scale);
            c.height = Math.round(h * this.scale);
            c.style.width = this.width + 'px';
            c.style.height = h + 'px';
        }
        this.mini_picture = null;
        this.dirty = true;
        this.request();
    }

    pen(canvas)
    {
        const c = canvas.getContext('2d');
        c.setTransform(this.scale, 0, 0, this.scale, 0, 0);
        c.textBaseline = 'middle';
        return c;
    }

    draw()
    {
        if (!this.width)
            return;
        const began = performance.now();
        if (this.dirty) {
            this.drawLanes();
            this.drawRuler();
            this.drawMinimap();
            this.over_dirty = true;
            this.on_view();
        }
        if (this.over_dirty)
            drawOverlay(this);
        this.dirty = this.over_dirty = false;
        this.frame_ms = performance.now() - began;
        this.frames = (this.frames || 0) + 1;
    }

    visibleRows(fn)
    {
        const top = this.box.scrollTop, bottom = top + this.height;
        for (const g of this.groups) {
            if (this.collapsed.has(g.id) || g.y_end < top || g.y > bottom)
                continue;
            const from = Math.max(0, Math.floor((top - g.y_lanes) / g.row_h));
            const to = Math.min(g.lanes.length, Math.ceil((bottom - g.y_lanes) / g.row_h));
            for (let row = from; row < to; row++)
                fn(g, g.lanes[row], g.y_lanes + row * g.row_h - top);
        }
    }

    drawLanes()
    {
        const { scale, theme, raster, trace } = this;
        const c = this.pen(this.canvas);
        const px = v => Math.round(v * scale);
        raster.resize(px(this.width) - px(GUTTER), px(this.height));
        raster.begin(theme, this, scale);
        this.visibleRows((g, lane, y) => {
            if (g.kind < 0) {
                const counter = trace.counters[lane];
                raster.area(counter.c, px(y + 3), px(y + g.row_h - 2) - px(y + 3),
                            this.counterTop(counter), theme.fill[0][counter.cls]);
            } else if (g.kind === KIND_O) {
                const o = trace.kinds[KIND_O].list[lane];
                raster.waiters(trace.kinds[KIND_O], lane, px(y + 3),
                               px(y + g.row_h - 2) - px(y + 3), o.most, theme.fill[KIND_G][o.cls]);
            } else {
                raster.lane(trace.kinds[g.kind], lane, px(y + 2), px(y + g.row_h - 2) - px(y + 2));
            }
        });
        c.fillStyle = theme.bg;
        c.fillRect(0, 0, this.width, this.height);
        c.putImageData(raster.image, px(GUTTER), 0);
        this.drawLabels(c);
        this.drawGutter(c);
        this.drawHeads(c);
    }

    counterTop(counter)
    {
        const procs = this.trace.meta.procs;
        return Math.max(1, counter.cls === CL_RUNNING ? Math.max(procs, counter.c.max)
                                                      : counter.c.max);
    }

    measure(c, text)
    {
        let w = this.text_width.get(text);
        if (w === undefined) {
            if (this.text_width.size > 20000)
                this.text_width.clear();
            this.text_width.set(text, w = c.measureText(text).width);
        }
        return w;
    }

    /* text, cut with an ellipsis to what fits in w; '' when nothing useful does. */
    fitText(c, text, w)
    {
        if (this.measure(c, text) <= w)
            return text;
        let n = Math.floor(text.length * w / this.measure(c, text));
        while (n > 0 && this.measure(c, text.slice(0, n) + '…') > w)
            n--;
        return n >= 2 ? text.slice(0, n) + '…' : '';
    }

    drawLabels(c)
    {
        const { labels } = this.raster, { scale, theme } = this;
        c.font = '11px ' + FONT;
        c.textAlign = 'left';
        for (let at = 0; at < labels.length; at += 6) {
            const [k, i, x0, x1, y, h] = labels.slice(at, at + 6);
            const cls = k.cls[i];
            if (theme.style[k.kind][cls] === STYLE_BLANK || theme.style[k.kind][cls] === STYLE_THIN)
                continue;
            const text = this.fitText(c, spanLabel(this.trace, k, i), (x1 - x0) / scale - 11);
            if (!text)
                continue;
            const x = GUTTER + x0 / scale + 5, mid = (y + h / 2) / scale + 0.5;
            if (theme.style[k.kind][cls] === STYLE_HATCH) {
                c.fillStyle = theme.state[cls];
                c.fillRect(x - 3, mid - 7, this.measure(c, text) + 6, 14);
            }
            c.fillStyle = theme.on[k.kind][cls];
            c.fillText(text, x, mid);
        }
    }

    drawGutter(c)
    {
        const { theme, trace } = this;
        c.fillStyle = theme.panel;
        c.fillRect(0, 0, GUTTER - 1, this.height);
        c.fillStyle = theme.line;
        c.fillRect(GUTTER - 1, 0, 1, this.height);
        this.visibleRows((g, lane, y) => {
            const mid = y + g.row_h / 2 + 0.5;
            const chosen = this.selected && this.selected.kind === g.kind &&
                           this.selected.lane === lane;
            if (chosen) {
                c.fillStyle = theme.accent;
                c.fillRect(0, y + 1, 3, g.row_h - 2);
            }
            const { head, name, right } = this.laneText(g, lane);
            c.font = '11px ' + FONT;
            c.textAlign = 'right';
            c.fillStyle = theme.faint;
            c.fillText(right, GUTTER - 12, mid);
            let x = 14;
            c.textAlign = 'left';
            const room = GUTTER - 28 - this.measure(c, right);
            c.font = (chosen ? '600 ' : '') + '12px ' + FONT;
            const alive = g.kind !== KIND_G || this.isAlive(lane);
            if (head) {
                c.fillStyle = !alive ? theme.faint : name ? theme.dim : theme.text;
                c.fillText(head, x, mid);
                x += c.measureText(head).width + 7;
            }
            c.fillStyle = alive ? theme.text : theme.faint;
            let text = name;
            while (text && c.measureText(text).width > room - (x - 14))
                text = text.length > 3 ? text.slice(0, -2).replace(/…$/, '') + '…' : '';
            c.fillText(text, x, mid);
            c.fillStyle = theme.grid;
            c.fillRect(GUTTER, y + g.row_h - 1, this.width - GUTTER, g.kind < 0 ? 1 : 0);
        });
    }

    /* Does a goroutine live at some time in view? */
    isAlive(lane)
    {
        const G = this.trace.kinds[KIND_G], hi = G.off[lane + 1];
        const i = spanAfter(G, G.off[lane], hi, this.t0);
        return i < hi && G.begin[i] < this.t1;
    }

    laneText(g, lane)
    {
        const { trace } = this;
        if (g.kind < 0) {
            const counter = trace.counters[lane];
            const at = counterAt(counter.c, this.cursor_time === undefined ? this.t0
                                                                            : this.cursor_time);
            return { head: '', name: counter.name,
                     right: fmtCount(counterValue(counter.c, at)) +
                            ' · max ' + fmtCount(counter.c.max) };
        }
        if (g.kind === KIND_G) {
            const r = trace.goroutines[lane];
            return { head: 'G' + r.id, name: r.label, right: '' };
        }
        const k = trace.kinds[g.kind];
        if (g.kind === KIND_O) {
            const o = k.list[lane];
            return { head: o.name, name: objectSite(trace, lane), right: fmtDur(o.total) };
        }
        const key = (g.kind * 1e6 + lane);
        this.busy = this.busy || new Map();
        if (!this.busy.has(key)) {
            const sh = laneShares(k, lane, 0, trace.end, new Float64Array(NC));
            this.busy.set(key, sh.reduce((s, v, cls) => s + (cls >= LC_DETACHED ? v : 0), 0));
        }
        const tid = g.kind === KIND_M ? trace.meta.threads[lane].tid : 0;
        return { head: laneName(trace, g.kind, lane), name: tid ? 'thread ' + tid : '',
                 right: fmtPercent(this.busy.get(key) / trace.end) };
    }

    /* Headings of groups; that of the group on top stays while its lanes scroll. */
    drawHeads(c)
    {
        const { theme } = this, top = this.box.scrollTop;
        c.textAlign = 'left';
        for (const g of this.groups) {
            const y = Math.max(g.y - top, Math.min(0, g.y_end - HEAD_H - top));
            if (g.y_end < top || y > this.height)
                continue;
            c.fillStyle = theme.head;
            c.fillRect(0, y, this.width, HEAD_H - 2);
            c.fillStyle = theme.line;
            c.fillRect(0, y + HEAD_H - 2, this.width, 1);
            const mid = y + (HEAD_H - 2) / 2 + 0.5;
            c.strokeStyle = theme.dim;
            c.lineWidth = 1.4;
            c.beginPath();
            if (this.collapsed.has(g.id)) {
                c.moveTo(12, mid - 4);
                c.lineTo(16, mid);
                c.lineTo(12, mid + 4);
            } else {
                c.moveTo(10, mid - 2);
                c.lineTo(14, mid + 2);
                c.lineTo(18, mid - 2);
            }
            c.stroke();
            c.font = '600 12px ' + FONT;
            c.fillStyle = theme.text;
            c.fillText(g.title, 26, mid);
            const w = c.measureText(g.title).width;
            c.font = '12px ' + FONT;
            c.fillStyle = theme.dim;
            c.fillText(g.note, 26 + w + 8, mid);
        }
    }

    drawRuler()
    {
        const { theme } = this, c = this.pen(byId('ruler'));
        c.fillStyle = theme.panel;
        c.fillRect(0, 0, this.width, RULER_H);
        const dt = (this.t1 - this.t0) / this.plotWidth(), step = tickStep(dt, 96);
        c.font = '11px ' + FONT;
        c.textAlign = 'left';
        /* Deep in a long trace the ticks count from a base that stands in the gutter. */
        const deep = this.t0 / step > 5000;
        const base = deep ? Math.floor(this.t0 / (step * 100)) * step * 100 : 0;
        c.fillStyle = theme.dim;
        c.fillText(deep ? fmtTime(base, step) + '  +' : fmtDur(this.t1 - this.t0) + ' in view', 14,
                   RULER_H / 2);
        const small = step / 5;
        this.ticks = [];
        for (let t = Math.ceil(this.t0 / small) * small; t <= this.t1; t += small) {
            const x = Math.round(this.xAt(t)), n = Math.round(t / small);
            if (x < GUTTER)
                continue;
            const big = n % 5 === 0;
            c.fillStyle = big ? theme.faint : theme.line;
            c.fillRect(x, big ? RULER_H - 10 : RULER_H - 5, 1, big ? 10 : 5);
            if (!big)
                continue;
            this.ticks.push(t);
            c.fillStyle = theme.dim;
            const text = t - base < step / 2 ? '0' : fmtTime(t - base, step);
            if (x + 4 + this.measure(c, text) < this.width)
                c.fillText(text, x + 4, RULER_H / 2 - 3);
        }
        c.fillStyle = theme.line;
        c.fillRect(0, RULER_H - 1, this.width, 1);
        this.drawFlags(c);
    }

    drawFlags(c)
    {
        this.flags.forEach((t, n) => {
            const x = this.xAt(t);
            if (x < GUTTER || x > this.width)
                return;
            c.fillStyle = this.theme.accent;
            c.beginPath();
            c.moveTo(x, RULER_H);
            c.lineTo(x - 5, RULER_H - 8);
            c.lineTo(x + 5, RULER_H - 8);
            c.fill();
            const text = n ? '+' + fmtDur(t - this.flags[n - 1]) : fmtDur(t);
            c.font = '600 10px ' + FONT;
            const w = c.measureText(text).width + 8;
            c.fillRect(x + 4, RULER_H - 15, w, 13);
            c.fillStyle = this.theme.bg;
            c.fillText(text, x + 8, RULER_H - 8);
        });
    }

    /* The whole trace: running goroutines below, runnable ones above, and the window in view. */
    drawMinimap()
    {
        const { theme, scale, trace } = this, c = this.pen(byId('minimap'));
        const px = v => Math.round(v * scale), half = px(MINIMAP_H / 2);
        if (!this.mini_picture || this.mini_theme !== theme.name) {
            this.mini.resize(px(this.width) - px(GUTTER), px(MINIMAP_H));
            this.mini.begin(theme, { t0: 0, t1: trace.end }, scale);
            const [running, runnable] = trace.counters;
            this.mini.area(runnable.c, px(3), half - px(5), this.counterTop(runnable),
                           theme.fill[0][CL_RUNNABLE]);
            this.mini.area(running.c, half, px(MINIMAP_H) - half - px(3), this.counterTop(running),
                           theme.fill[0][CL_RUNNING]);
            this.mini_picture = true;
            this.mini_theme = theme.name;
        }
        c.fillStyle = theme.panel;
        c.fillRect(0, 0, this.width, MINIMAP_H);
        c.putImageData(this.mini.image, px(GUTTER), 0);
        c.font = '11px ' + FONT;
        c.textAlign = 'left';
        c.fillStyle = theme.dim;
        c.fillText('runnable', 14, 13);
        c.fillText('running', 14, 34);
        c.textAlign = 'right';
        c.fillStyle = theme.faint;
        c.fillText(fmtDur(trace.end), GUTTER - 12, 34);
        const [x0, x1] = this.brush();
        c.fillStyle = theme.name === 'dark' ? 'rgba(10,12,15,.62)' : 'rgba(228,232,238,.66)';
        c.fillRect(GUTTER, 0, x0 - GUTTER, MINIMAP_H);
        c.fillRect(x1, 0, this.width - x1, MINIMAP_H);
        c.fillStyle = theme.accent;
        c.fillRect(x0, 0, x1 - x0, 2);
        c.fillRect(x0 - 1, 0, 2, MINIMAP_H);
        c.fillRect(x1 - 1, 0, 2, MINIMAP_H);
        for (const m of trace.races) {
            c.fillStyle = theme.race;
            c.fillRect(GUTTER + m.time / trace.end * this.plotWidth() - 1, 0, 2, MINIMAP_H);
        }
        c.fillStyle = theme.line;
        c.fillRect(0, MINIMAP_H - 1, this.width, 1);
    }

    /* Left and right edge of the window on the minimap; at least a few pixels apart. */
    brush()
    {
        const w = this.plotWidth(), end = this.trace.end;
        const x0 = GUTTER + this.t0 / end * w, x1 = GUTTER + this.t1 / end * w;
        return x1 - x0 < 4 ? [(x0 + x1) / 2 - 2, (x0 + x1) / 2 + 2] : [x0, x1];
    }
}
