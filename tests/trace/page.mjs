/* page.mjs - the page of goshawk trace view, used as a person would: looked at, typed at, clicked.
 *
 *     node page.mjs STORY FOLDER [GOSHAWK GEN_TRACE]
 *
 * STORY is the command linked with story.c, whose trace is known to the nanosecond; FOLDER takes
 * the pages, and a screenshot of each case that fails.  With GOSHAWK and GEN_TRACE (gen_trace.c)
 * a large page is opened too.
 * Exit code 77 (skipped) where Chromium or playwright-core is missing. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [story, folder, goshawk, gen] = process.argv.slice(2).map(p => path.resolve(p));
const SKIPPED = 77;

function skip(why)
{
    console.log('SKIP: ' + why);
    process.exit(SKIPPED);
}

function findPlaywright()
{
    const here = path.dirname(fileURLToPath(import.meta.url));
    const roots = [...(process.env.NODE_PATH || '').split(path.delimiter).filter(Boolean),
                   path.join(folder, '../../../npm/node_modules'),
                   path.join(here, '../../build/npm/node_modules')];
    for (const root of roots)
        if (fs.existsSync(path.join(root, 'playwright-core/package.json')))
            return createRequire(path.join(root, 'x.js'))('playwright-core');
    return skip('playwright-core is not installed (tools/dev deps installs it)');
}

function findChromium()
{
    for (const dir of process.env.PATH.split(path.delimiter))
        for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
            if (fs.existsSync(path.join(dir, name)))
                return path.join(dir, name);
    return skip('no chromium on PATH');
}

const { chromium } = findPlaywright();
const executablePath = findChromium();
fs.mkdirSync(folder, { recursive: true });

function run(...args)
{
    return spawnSync(args[0], args.slice(1), { cwd: folder, encoding: 'utf8', timeout: 120000 });
}

/* ---- what cases say ---- */

function equal(got, wanted, what)
{
    if (JSON.stringify(got) !== JSON.stringify(wanted))
        throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

function near(got, wanted, slack, what)
{
    if (!(Math.abs(got - wanted) <= slack))
        throw new Error(`${what}: ${got}, not ${wanted} within ${slack}`);
}

function holds(ok, what)
{
    if (!ok)
        throw new Error(what);
}

const G = 0, P = 1, M = 2, US = 1000;

/* A page under test. */
class Sheet {
    constructor(page)
    {
        this.page = page;
        this.errors = [];
        this.foreign = [];
        page.on('pageerror', e => this.errors.push(e.message));
        page.on('console', m => m.type() === 'error' && this.errors.push(m.text()));
        page.on('request', r => /^(file|data|blob):/.test(r.url()) || this.foreign.push(r.url()));
    }
    async open(file, hash = '')
    {
        await this.page.goto(pathToFileURL(path.join(folder, file)) + hash);
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

const RUNNING = 0, RUNNABLE = 1, CHAN = 2, SLEEP = 7;

const cases = {
    async opens_alone(s)
    {
        await s.open('story.html');
        const lanes = await s.ask(() => goshawk.lanes().map(g => [g.id, g.count, g.shown]));
        equal(lanes, [['counters', 3, true], ['p', 2, true], ['m', 2, true], ['g', 4, true]],
              'lanes');
        equal(s.errors, [], 'errors');
        equal(s.foreign, [], 'requests to elsewhere');
        const w = await s.window();
        equal([w.t0, w.t1], [0, 1000 * US], 'window');
        const ids = await s.ask(() => goshawk.trace.goroutines.map(g => g.id).sort());
        equal(ids, [1, 2, 3, 4], 'goroutines');
        holds((await s.ask(() => document.title)).startsWith('story'), 'title');
    },

    async a_name_is_text(s)
    {
        await s.open('story.html');
        const name = await s.ask(() => goshawk.trace.goroutines[goshawk.lane(0, 2)].label);
        equal(name, 'w</script>\ufffd[31m<!--', 'name');
        await s.click(G, 2, 200 * US);
        holds((await s.page.textContent('#panel')).includes('w</script>'), 'the panel shows it');
        equal(await s.ask(() => document.querySelectorAll('script').length), 1, 'scripts');
    },

    async states_are_drawn(s)
    {
        await s.open('story.html');
        near(await s.share(G, 3, 300 * US, RUNNING), 1, 0.1, 'G3 runs at 300 us');
        near(await s.share(G, 2, 450 * US, CHAN), 0.6, 0.15, 'G2 waits: a slimmer bar');
        near(await s.share(G, 4, 800 * US, SLEEP), 0.6, 0.15, 'G4 sleeps');
        holds(await s.share(G, 4, 300 * US, RUNNABLE) > 0.5, 'G4 is runnable');
        holds(await s.share(G, 4, 300 * US, RUNNABLE) < 0.95, 'runnable is hatched');
        equal(await s.share(G, 2, 900 * US, RUNNING), 0, 'G2 has ended');
        const [p0, p1] = [await s.column(P, 0, 200 * US), await s.column(P, 1, 300 * US)];
        equal(p0[3], p1[3], 'one function, one colour');
        holds(p0[3].join() !== (await s.column(P, 0, 900 * US))[3].join(), 'another, another');
    },

    async several_spans_in_a_pixel_show_their_shares(s)
    {
        await s.open('story.html');
        const dt = 1000 * US / await s.ask(() => goshawk.view.plotWidth());
        holds(dt > 600, 'a pixel holds more than one span');
        const at = 950 * US;
        near(await s.share(G, 4, at, RUNNING), 0.8, 0.2, 'running');
        const rows = await s.column(G, 4, at), teal = (await s.colour(RUNNABLE)).join();
        holds(rows.some(c => c.join() === teal), 'runnable has its share');
        const count = await s.ask(() => {
            const v = goshawk.view;
            return v.spansUnder(0, goshawk.lane(0, 4), v.xAt(950250)).count;
        });
        holds(count > 2, 'the pixel knows how many');
    },

    async keys_zoom_and_pan(s)
    {
        await s.open('story.html');
        await s.key('w');
        let w = await s.window();
        near(w.t1 - w.t0, 700 * US, 1, 'w zooms in');
        near((w.t0 + w.t1) / 2, 500 * US, 1, 'about the middle');
        await s.key('d');
        near((await s.window()).t0, w.t0 + 140 * US, 1, 'd pans right');
        await s.key('a', 'ArrowLeft');
        near((await s.window()).t0, w.t0 - 140 * US, 1, 'a and left pan left');
        await s.key('s');
        equal(await s.window(), { t0: 0, t1: 1000 * US }, 's zooms out');
        await s.key('Shift+W', 'Shift+W');
        near((w = await s.window()).t1 - w.t0, 122.5 * US, 1, 'shift zooms faster');
        await s.key('0');
        equal(await s.window(), { t0: 0, t1: 1000 * US }, '0 resets');
        for (let i = 0; i < 60; i++)
            await s.page.keyboard.press('w');
        await s.idle();
        near((w = await s.window()).t1 - w.t0, 20, 1, 'zoom has an end');
    },

    async fit_and_back(s)
    {
        await s.open('story.html');
        await s.click(G, 3, 650 * US);
        equal((await s.selected()).text, 'mutex lock', 'a click selects');
        await s.key('f');
        let w = await s.window();
        near(w.t0, 575 * US, 1, 'f fits the selection');
        near(w.t1, 725 * US, 1, 'f fits the selection');
        await s.key('f');
        equal(await s.window(), { t0: 0, t1: 1000 * US }, 'f again fits everything');
        await s.key('Backspace');
        near((await s.window()).t0, 575 * US, 1, 'Backspace goes back');
        await s.key('Backspace');
        equal(await s.window(), { t0: 0, t1: 1000 * US }, 'and back');
    },

    async steps_and_wakers(s)
    {
        await s.open('story.html');
        await s.click(G, 2, 200 * US);
        await s.key('.');
        equal((await s.selected()).text, 'chan receive', 'next');
        await s.key(',');
        equal((await s.selected()).text, 'running', 'previous');
        await s.key('.', '[');
        let at = await s.selected();
        equal([at.kind, at.id, at.text], [G, 3, 'running'], '[ leads to the waker');
        await s.key(']');
        at = await s.selected();
        equal([at.id, at.text], [2, 'running'], '] leads to who was woken');
        const begin = await s.ask(() => goshawk.trace.kinds[0].begin[goshawk.selected().i]);
        equal(begin, 550 * US, 'to its next run');
        await s.key('Shift+ArrowDown');
        equal((await s.selected()).id, 3, 'shift-down selects the lane below');
        await s.key('Escape');
        equal(await s.selected(), null, 'Escape');
    },

    async arrows(s)
    {
        await s.open('story.html');
        equal(await s.ask(() => goshawk.view.arrows_drawn), 0, 'none at first');
        await s.click(G, 2, 600 * US);
        holds(await s.ask(() => goshawk.view.arrows_drawn) > 0, 'for the selection');
        await s.key('Escape', 'e');
        const all = await s.ask(() => goshawk.view.arrows_drawn);
        holds(all >= 5, `e draws all of them, not ${all}`);
        equal(await s.page.getAttribute('#arrows', 'aria-pressed'), 'true', 'the button knows');
        await s.page.click('#arrows');
        await s.idle();
        equal(await s.ask(() => goshawk.view.arrows_drawn), 0, 'and none again');
    },

    async tooltip(s)
    {
        await s.open('story.html');
        const { x, y } = await s.place(G, 2, 400 * US);
        await s.page.mouse.move(x, y);
        await s.page.waitForSelector('#tip:not([hidden])');
        const text = await s.page.innerText('#tip');
        for (const part of ['G2 w</script>', 'chan receive', '200.0 µs', '300.000 µs', 'chan#1',
                            'G3 worker on P1', '50.00 µs', 'worker story.c:34'])
            holds(text.includes(part), `the tooltip lacks “${part}”: ${text}`);
        const dense = await s.place(G, 4, 950 * US);
        await s.page.mouse.move(dense.x, dense.y);
        await s.idle();
        holds(/\d+ states in/.test(await s.page.innerText('#tip')), 'many states are counted');
        await s.page.mouse.move(5, 5);
        await s.page.waitForSelector('#tip', { state: 'hidden' });
    },

    async panel_tells_the_span(s)
    {
        await s.open('story.html');
        await s.click(G, 2, 400 * US);
        const text = await s.page.innerText('#panel');
        for (const part of ['woken by', 'G3 worker', 'Blocked at', '2 frames of the runtime',
                            'story.c:34'])
            holds(text.includes(part), `the panel lacks “${part}”: ${text}`);
        holds((await s.page.textContent('#live')).includes('chan receive'), 'it is read out');
        await s.page.click('#panel button.link:has-text("G3 worker")');
        await s.idle();
        equal((await s.selected()).id, 3, 'a name is a link');
    },

    async drag_selects_an_area(s)
    {
        await s.open('story.html');
        const a = await s.place(G, 2, 320 * US), b = await s.place(G, 3, 480 * US);
        await s.page.mouse.move(a.x, a.y);
        await s.page.mouse.down();
        await s.page.mouse.move((a.x + b.x) / 2, b.y);
        await s.page.mouse.move(b.x, b.y);
        await s.page.mouse.up();
        await s.idle();
        const text = await s.page.innerText('#panel');
        holds(text.includes('2 goroutines'), 'lanes: ' + text);
        holds(/running 50 %/.test(text) && /channel 50 %/.test(text), 'shares: ' + text);
        await s.key('f');
        near((await s.window()).t0, 320 * US, 2 * US, 'f fits the area');
    },

    async races_stand_on_the_timeline(s)
    {
        await s.open('story.html');
        const [mark, wanted] = await s.ask(() => {
            const v = goshawk.view, lane = goshawk.lane(0, 3), c = v.over.getContext('2d');
            const x = Math.round(v.xAt(400000) * v.scale);
            const y = v.laneY(0, lane) - v.box.scrollTop + 12;
            const hex = parseInt(v.theme.race.slice(1), 16);
            return [[...c.getImageData(x, Math.round(y * v.scale), 1, 1).data],
                    [hex >> 16, hex >> 8 & 255, hex & 255, 255]];
        });
        equal(mark, wanted, 'a mark on the second access');
        await s.key('Shift+W', 'Shift+W');
        await s.page.click('#panel button:has-text("0x5150")');
        await s.idle();
        const w = await s.window(), at = await s.selected();
        near((w.t0 + w.t1) / 2, 400 * US, 1, 'its link leads there');
        equal([at.id, at.text], [3, 'running'], 'to the goroutine');
    },

    async wheel(s)
    {
        await s.open('story.html');
        const { x, y } = await s.place(G, 2, 250 * US);
        await s.page.mouse.move(x, y);
        await s.page.keyboard.down('Control');
        await s.page.mouse.wheel(0, -200);
        await s.page.keyboard.up('Control');
        await s.page.waitForFunction(() => goshawk.window().t1 - goshawk.window().t0 < 999000);
        await s.idle();
        near((await s.place(G, 2, 250 * US)).x, x, 1.5, 'zooms at the pointer');
        await s.key('0');
        await s.page.setViewportSize({ width: 900, height: 420 });
        await s.idle();
        await s.page.mouse.move(500, 200);
        await s.page.mouse.wheel(0, 120);
        await s.page.waitForFunction(() => goshawk.view.box.scrollTop > 60);
    },

    async search(s)
    {
        await s.open('story.html');
        await s.key('/');
        await s.page.keyboard.type('state:chan dur>100us');
        await s.key('Enter');
        const at = await s.selected();
        equal([at.id, at.text], [2, 'chan receive'], 'found');
        equal(await s.page.innerText('#found'), '1 goroutine', 'counted');
        await s.page.check('#only');
        await s.idle();
        equal(await s.ask(() => goshawk.lanes().find(g => g.id === 'g').count), 1, 'filtered');
        await s.page.fill('#search', 'dur>soon');
        equal(await s.page.getAttribute('#search', 'aria-invalid'), 'true', 'a wrong query');
        await s.page.fill('#search', 'G3');
        await s.idle();
        equal(await s.ask(() => goshawk.view.matches.map(g => g.id)), [3], 'by number');
    },

    async marks_and_help(s)
    {
        await s.open('story.html');
        await s.click(G, 2, 400 * US);
        await s.key('m');
        equal(await s.ask(() => goshawk.view.flags), [300 * US], 'm marks the selection');
        await s.key('?');
        holds(await s.ask(() => document.getElementById('help').open), '? opens the help');
        await s.page.keyboard.press('Escape');
        holds(!await s.ask(() => document.getElementById('help').open), 'Escape closes it');
        await s.key('0');
        equal(await s.ask(() => goshawk.view.flags), [], '0 drops the marks');
    },

    async groups_fold(s)
    {
        await s.open('story.html');
        const top = await s.ask(() => goshawk.view.canvas.getBoundingClientRect().top +
                                      goshawk.view.groups[2].y + 10);
        await s.page.mouse.click(60, top);
        await s.idle();
        equal(await s.ask(() => goshawk.lanes()[2].shown), false, 'threads are folded');
        await s.page.mouse.click(60, top);
        await s.idle();
        equal(await s.ask(() => goshawk.lanes()[2].shown), true, 'and back');
    },

    async minimap_and_ruler(s)
    {
        await s.open('story.html');
        const box = await s.page.locator('#minimap').boundingBox();
        const plot = await s.ask(() => [goshawk.view.xAt(0), goshawk.view.xAt(1e6)]);
        const x = f => plot[0] + (plot[1] - plot[0]) * f, y = box.y + 20;
        await s.page.mouse.move(x(0.25), y);
        await s.page.mouse.down();
        await s.page.mouse.move(x(0.4), y);
        await s.page.mouse.move(x(0.5), y);
        await s.page.mouse.up();
        await s.idle();
        let w = await s.window();
        near(w.t0, 250 * US, 3 * US, 'a new window');
        near(w.t1, 500 * US, 3 * US, 'a new window');
        const ticks = await s.ask(() => goshawk.view.ticks);
        const steps = ticks.slice(1).map((t, i) => t - ticks[i]);
        holds(steps.length > 3 && steps.every(d => Math.abs(d - steps[0]) < 1), 'even ticks');
        holds([1, 2, 5].includes(steps[0] / 10 ** Math.floor(Math.log10(steps[0] + 0.5))),
              'steps of 1, 2 or 5: ' + steps[0]);
    },

    async the_address_keeps_the_view(s)
    {
        await s.open('story.html');
        await s.click(G, 2, 400 * US);
        await s.key('f', 'e');
        const before = await s.window();
        await s.page.waitForFunction(() => location.hash.includes('s=G2@300000') &&
                                           location.hash.includes('e=1'));
        const hash = await s.ask(() => location.hash);
        await s.page.goto('about:blank');
        await s.open('story.html', hash);
        const after = await s.window();
        near(after.t0, before.t0, 1, 'begin');
        near(after.t1, before.t1, 1, 'end');
        equal((await s.selected()).text, 'chan receive', 'selection');
        equal(await s.ask(() => goshawk.view.all_arrows), true, 'arrows');
    },

    async dark_and_light(s)
    {
        await s.page.emulateMedia({ colorScheme: 'dark' });
        await s.open('story.html');
        const dark = await s.ask(() => getComputedStyle(document.body).backgroundColor);
        near(await s.share(G, 3, 300 * US, RUNNING), 1, 0.1, 'lanes in the dark');
        await s.key('t');
        const light = await s.ask(() => getComputedStyle(document.body).backgroundColor);
        equal([dark, light], ['rgb(20, 23, 28)', 'rgb(255, 255, 255)'], 'grounds');
        near(await s.share(G, 3, 300 * US, RUNNING), 1, 0.1, 'lanes in the light');
    },

    async keyboard_reaches_everything(s)
    {
        await s.open('story.html');
        const seen = new Set();
        for (let i = 0; i < 24; i++) {
            seen.add(await s.ask(() => document.activeElement.id));
            await s.page.keyboard.press('Tab');
        }
        for (const id of ['lanes', 'panel', 'search', 'only', 'sort', 'arrows', 'fit', 'theme',
                          'ask'])
            holds(seen.has(id), `Tab does not reach ${id}: ${[...seen]}`);
    },

    async a_cut_page_says_so(s)
    {
        const text = fs.readFileSync(path.join(folder, 'story.html'), 'utf8');
        const from = text.indexOf('octet-stream">') + 14, to = text.indexOf('</script>', from);
        const middle = from + Math.floor((to - from) / 8) * 4;
        fs.writeFileSync(path.join(folder, 'cut.html'), text.slice(0, middle) + text.slice(to));
        await s.open('cut.html');
        holds(await s.ask(() => !!goshawk.error), 'the page knows');
        holds((await s.page.innerText('#wait')).includes('cannot show'), 'and says so');
    },

    async many_events_open_fast(s)
    {
        if (!gen)
            return;
        equal(run(gen, 'big.gtrace', '300000').status, 0, 'gen_trace');
        const made = run(goshawk, 'trace', 'view', 'big.gtrace', '-o', 'big.html');
        equal(made.status, 0, 'goshawk trace view: ' + made.stderr);
        fs.unlinkSync(path.join(folder, 'big.gtrace'));
        await s.open('big.html');
        const [ms, events] = await s.ask(() => [goshawk.opened_ms, goshawk.trace.meta.events]);
        const frame = await s.ask(() => {
            const v = goshawk.view, end = v.trace.end, t = performance.now();
            for (let i = 1; i <= 20; i++) {
                v.t0 = end * i / 100;
                v.t1 = end * (1 - i / 200);
                v.dirty = true;
                v.draw();
            }
            return (performance.now() - t) / 20;
        });
        console.log(`    ${events} events: opened in ${ms.toFixed(0)} ms,`,
                    `a frame takes ${frame.toFixed(1)} ms`);
        /* The goals are 2 s and 33 ms for a million on an idle machine; others may be at work. */
        holds(ms < 6000, `opening took ${ms} ms`);
        holds(frame < 200, `a frame took ${frame} ms`);
    },
};

/* ---- what view itself does ---- */

const command_cases = {
    writes_beside_the_trace()
    {
        fs.mkdirSync(path.join(folder, 'sub'), { recursive: true });
        const r = run(story, 'view', 'sub/story.gtrace');
        equal(r.status, 0, r.stderr);
        holds(r.stdout.includes('file://') && r.stdout.includes('sub/story.html'), r.stdout);
        holds(fs.existsSync(path.join(folder, 'sub/story.html')), 'the page lies beside the trace');
    },
    leaves_no_half_page()
    {
        const before = fs.readdirSync(folder).length;
        let r = run(story, 'view', 'story.gtrace', '-o', 'no/such/folder/x.html');
        equal([r.status, r.stderr.split('\n').length], [1, 2], 'one line: ' + r.stderr);
        holds(r.stderr.includes('cannot write no/such/folder/x.html: No such file'), r.stderr);
        r = run(story, 'view', 'story.gtrace', '-o', '.');
        equal(r.status, 1, 'a folder is no page');
        if (fs.existsSync('/dev/full')) {
            r = run(story, 'view', 'story.gtrace', '-o', '/dev/full');
            holds(r.status === 1 && r.stderr.includes('No space left'), r.stderr);
        }
        r = run(story, 'view', 'no.gtrace', '-o', 'kept.html');
        equal(r.status, 1, 'no trace, no page');
        equal(fs.readdirSync(folder).length, before, 'files left behind');
    },
    keeps_the_trace()
    {
        fs.writeFileSync(path.join(folder, 'story.gtrace'), 'x');
        const r = run(story, 'view', 'story.gtrace', '-o', './story.gtrace');
        holds(r.status === 1 && r.stderr.includes('the trace itself'), r.stderr);
        equal(fs.readFileSync(path.join(folder, 'story.gtrace'), 'utf8'), 'x', 'trace');
        fs.unlinkSync(path.join(folder, 'story.gtrace'));
    },
    replaces_a_page_at_once()
    {
        const target = path.join(folder, 'again.html');
        fs.writeFileSync(target, 'old');
        equal(run(story, 'view', 'story.gtrace', '-o', 'again.html').status, 0, 'exit');
        const text = fs.readFileSync(target, 'utf8');
        holds(text.startsWith('<!DOCTYPE html>') && text.trimEnd().endsWith('</html>'), 'whole');
        const out = run('sh', '-c', `'${story}' view story.gtrace -o /dev/stdout | cat`).stdout;
        holds(out.startsWith('<!DOCTYPE html>') && out.includes('</html>'), 'to a pipe');
    },
    tells_wrong_use()
    {
        for (const args of [[], ['a', 'b'], ['-x', 'a'], ['a', '-o']]) {
            const r = run(story, 'view', ...args);
            equal([r.status, r.stdout, r.stderr.split('\n').length], [2, '', 2], args.join(' '));
        }
    },
};

/* ---- run ---- */

const failed = [];

function report(name, error)
{
    console.log(`${error ? 'FAIL' : 'ok  '} ${name}${error ? ': ' + error.message : ''}`);
    if (error)
        failed.push(name);
}

for (const [name, fn] of Object.entries(command_cases)) {
    try {
        fn();
        report(name);
    } catch (e) {
        report(name, e);
    }
}

const made = run(story, 'view', 'story.gtrace', '-o', 'story.html');
if (made.status !== 0) {
    console.log('FAIL view: ' + made.stderr);
    process.exit(1);
}
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'goshawk-page-'));
const browser = await chromium.launchPersistentContext(profile, {
    executablePath, headless: true, viewport: { width: 1280, height: 800 }, colorScheme: 'light',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
});
try {
    for (const [name, fn] of Object.entries(cases)) {
        const sheet = new Sheet(await browser.newPage());
        try {
            await fn(sheet);
            if (name !== 'a_cut_page_says_so')
                equal(sheet.errors, [], 'errors of the page');
            report(name);
        } catch (e) {
            const shot = path.join(folder, `fail-${name}.png`);
            await sheet.page.screenshot({ path: shot }).catch(() => {});
            report(name, new Error(`${e.message}\n     picture: ${shot}`));
        }
        await sheet.page.close();
    }
} finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
}
console.log(failed.length ? `FAILED: ${failed.join(', ')}` : 'all pass');
process.exit(failed.length ? 1 : 0);
