/* page_cases.mjs - the lanes of the page: drawing, moving, selecting, the address. */
import { equal, near, holds, G, P, US, RUNNING, RUNNABLE, CHAN, SLEEP } from './page_sheet.mjs';

export const lane_cases = {
    async opens_alone(s)
    {
        await s.open('story.html');
        const lanes = await s.ask(() => goshawk.lanes().map(g => [g.id, g.count, g.shown]));
        equal(lanes, [['counters', 3, true], ['p', 2, true], ['m', 2, true], ['g', 4, true],
                      ['o', 3, true]], 'lanes');
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
        holds(w.t0 < 300 * US && w.t1 > 400 * US && w.t1 < 600 * US, 'its link leads there');
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
        equal(await s.page.innerText('#found'),
              'column 5: this is no time; write 1.5ms, 20us or 3s', 'what is wrong');
        await s.page.fill('#search', 'g:G3');
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
        for (let i = 0; i < 40; i++) {
            seen.add(await s.ask(() => document.activeElement.id));
            await s.page.keyboard.press('Tab');
        }
        for (const id of ['lanes', 'tab-details', 'panel', 'search', 'only', 'sort', 'arrows',
                          'fit', 'theme', 'ask'])
            holds(seen.has(id), `Tab does not reach ${id}: ${[...seen]}`);
    },
};
