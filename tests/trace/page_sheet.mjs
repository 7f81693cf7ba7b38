/* page_sheet.mjs - a page under test: what is typed at it, clicked on it, read from it. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/* ---- what cases say ---- */

export function equal(got, wanted, what)
{
    if (JSON.stringify(got) !== JSON.stringify(wanted))
        throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

export function near(got, wanted, slack, what)
{
    if (!(Math.abs(got - wanted) <= slack))
        throw new Error(`${what}: ${got}, not ${wanted} within ${slack}`);
}

export function holds(ok, what)
{
    if (!ok)
        throw new Error(what);
}

export const G = 0, P = 1, M = 2, O = 3, US = 1000;

/* A page under test; its pages lie in folder. */
export class Sheet {
    constructor(page, folder)
    {
        this.page = page;
        this.folder = folder;
        this.errors = [];
        this.foreign = [];
        page.on('pageerror', e => this.errors.push(e.message));
        page.on('console', m => m.type() === 'error' && this.errors.push(m.text()));
        page.on('request', r => /^(file|data|blob):/.test(r.url()) || this.foreign.push(r.url()));
    }
    async open(file, hash = '')
    {
        await this.page.goto(pathToFileURL(path.join(this.folder, file)) + hash);
        await this.page.waitForFunction(() => window.goshawk, null, { timeout: 60000 });
        await this.idle();
    }
    /* Until drawing has caught up with what was typed. */
    idle()
    {
        return this.page.waitForFunction(() => window.goshawk.error || window.goshawk.idle());
    }
    ask(fn, arg)
    {
        return this.page.evaluate(fn, arg);
    }
    async key(...keys)
    {
        for (const k of keys) {
            await this.page.keyboard.press(k);
            await this.idle();
        }
    }
    window()
    {
        return this.ask(() => goshawk.window());
    }
    selected()
    {
        return this.ask(() => goshawk.selected());
    }
    place(kind, id, t)
    {
        return this.ask(([kind, id, t]) => goshawk.place(kind, goshawk.lane(kind, id), t),
                        [kind, id, t]);
    }
    async click(kind, id, t)
    {
        const { x, y } = await this.place(kind, id, t);
        await this.page.mouse.click(x, y);
        await this.idle();
    }
    /* Colours of the canvas under one column of a lane, from top to bottom, as [r, g, b]. */
    column(kind, id, t)
    {
        return this.ask(([kind, id, t]) => {
            const v = goshawk.view, c = v.canvas.getContext('2d'), s = v.scale;
            const lane = goshawk.lane(kind, id);
            const x = Math.round(v.xAt(t) * s), y = v.laneY(kind, lane) - v.box.scrollTop;
            const d = c.getImageData(x, Math.round((y + 2) * s), 1, Math.round(20 * s)).data;
            return Array.from({ length: d.length / 4 }, (_, i) => [...d.slice(i * 4, i * 4 + 3)]);
        }, [kind, id, t]);
    }
    /* The theme's colour of a class, as [r, g, b]. */
    colour(cls)
    {
        return this.ask(cls => {
            const v = parseInt(goshawk.view.theme.state[cls].slice(1), 16);
            return [v >> 16, v >> 8 & 255, v & 255];
        }, cls);
    }
    async share(kind, id, t, cls)
    {
        const wanted = (await this.colour(cls)).join(), rows = await this.column(kind, id, t);
        return rows.filter(c => c.join() === wanted).length / rows.length;
    }
}

/* Classes of G lanes. */
export const RUNNING = 0, RUNNABLE = 1, CHAN = 2, SLEEP = 7;
