/* page_panel.mjs - the panel of the page: objects, flame graph, table, races; and the query
 * language, in the table of cases that holds for the terminal too. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { equal, near, holds, G, O, US } from './page_sheet.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');

/* Tab, until what has the focus satisfies the test. */
async function tabTo(s, test)
{
    for (let i = 0; i < 60 && !await s.ask(test); i++)
        await s.page.keyboard.press('Tab');
    holds(await s.ask(test), 'Tab does not lead to ' + test);
}

export const panel_cases = {
    async objects_have_lanes(s)
    {
        await s.open('story.html');
        const lanes = await s.ask(() => goshawk.trace.kinds[3].list.map(o => [o.name, o.waits]));
        equal(lanes, [['waitgroup#3', 1], ['chan#1', 1], ['mutex#2', 1]], 'by time waited');
        const counts = await s.ask(() => {
            const k = goshawk.trace.kinds[3];
            return [...k.begin.subarray(0, k.n)].map((t, i) => [t, k.end[i], k.count[i]]);
        });
        equal(counts, [[100000, 800000, 1], [300000, 500000, 1], [600000, 700000, 1]], 'spans');
        await s.key('End');
        await s.click(O, 1, 400 * US);
        const text = await s.page.innerText('#panel');
        for (const part of ['chan#1', 'chan receive', '200.0 µs', 'G3 worker', '100 %'])
            holds(text.includes(part), `the panel lacks “${part}”: ${text}`);
        await s.page.click('#panel td button:has-text("G2")');
        await s.idle();
        equal((await s.selected()).text, 'chan receive', 'who waits is a link');
        await s.page.click('#panel dd button:has-text("chan#1")');
        await s.idle();
        equal((await s.selected()).text, '1 goroutine waits', 'and back');
        await s.page.waitForFunction(() => location.hash.includes('s=O1@300000'));
    },

    async many_wait_for_one(s)
    {
        await s.open('story.html');
        const got = await s.ask(() => {
            /* Four waits, two of which begin at once, one that ends where another begins. */
            const spans = [[0, 10], [2, 6], [2, 4], [6, 9]];
            const G = { n: 4, state: [3, 3, 3, 3], obj: [1, 1, 1, 1], why: [1, 1, 1, 1],
                        cls: [2, 2, 2, 2], begin: spans.map(x => x[0]), end: spans.map(x => x[1]),
                        by_begin: [0, 1, 2, 3], by_end: [2, 1, 3, 0] };
            const k = makeObjects({ kinds: [G], meta: goshawk.trace.meta });
            const rows = Array.from({ length: k.n }, (_, i) => [k.begin[i], k.end[i], k.count[i]]);
            return { spans: rows, most: k.list[0].most, half: waitedUntil(k, 0, 3, 0)[0],
                     all: waitedUntil(k, 0, 99, 0)[0] };
        });
        equal(got.spans, [[0, 2, 1], [2, 4, 3], [4, 6, 2], [6, 9, 2], [9, 10, 1]], 'spans');
        equal([got.most, got.half, got.all], [3, 5, 19], 'sums');
    },

    async flame_graph(s)
    {
        await s.open('story.html');
        await s.page.click('#tab-flame');
        const boxes = () => s.ask(() => [...document.querySelectorAll('.flame')].map(b =>
            [b.node.name, Math.round(b.node.value), b.node.parent ? b.node.parent.name : '']));
        const all = await boxes();
        equal(all[0], ['all', 1250000, ''], 'the whole');
        const worker = all.find(b => b[0] === 'worker' && b[2] === 'all');
        equal(worker, ['worker', 300000, 'all'], 'two waits of workers');
        holds(all.some(b => b[0] === 'chan receive' && b[1] === 200000), 'the reason is a leaf');
        await tabTo(s, () => document.activeElement.classList.contains('flame'));
        await s.key('ArrowDown', 'ArrowRight');
        const name = await s.ask(() => document.activeElement.node.name);
        await s.key('Enter');
        equal(await s.ask(() => [goshawk.view.flame_zoom.name, document.activeElement.node.name]),
              [name, name], 'Enter zooms, the focus stays');
        holds((await boxes()).length < all.length, 'the others are gone');
        await s.key('Backspace');
        equal((await boxes()).length, all.length, 'Backspace zooms out');
        await s.page.fill('#search', 'state:mutex');
        await s.idle();
        equal((await boxes())[0], ['all', 100000, ''], 'the query narrows it');
        await s.page.selectOption('#panel select', 'waits');
        equal((await boxes())[0], ['all', 1, ''], 'counts');
        await s.page.fill('#search', 'g:nobody');
        await s.idle();
        holds((await s.page.innerText('#panel')).includes('Nothing waits here'), 'or says so');
    },

    async table_of_states(s)
    {
        await s.open('story.html');
        await s.page.click('#tab-table');
        const rows = () => s.ask(() => goshawk.view.table_rows.length);
        const all = await rows();
        const shown = await s.page.locator('#rows tr[tabindex]').count();
        holds(all > 380 && shown > 5 && shown < 60, `${shown} elements for ${all} rows`);
        await s.page.click('#sort-dur');
        const first = await s.page.innerText('#rows tr[tabindex]');
        holds(first.includes('700.0 µs') && first.includes('waitgroup wait'), 'longest: ' + first);
        equal(await s.page.getAttribute('th:has(#sort-dur)', 'aria-sort'), 'descending', 'sort');
        await s.page.focus('#rows tr[tabindex="0"]');
        await s.key('ArrowDown', 'Enter');
        const at = await s.selected();
        equal([at.id, at.text], [4, 'runnable (new)'], 'Enter shows it on the timeline');
        equal(await rows(), all, 'the table stays');
        await s.key('End');
        near(await s.ask(() => document.activeElement.row), all - 1, 0, 'to the last row');
        await s.page.fill('#search', 'state:blocked dur>=100us');
        await s.key('Escape', 'Escape');
        await s.idle();
        await s.page.fill('#search', 'state:blocked dur>=200us');
        await s.idle();
        equal(await rows(), 3, 'the query narrows it');
    },

    async tabs_by_keys(s)
    {
        await s.open('story.html');
        await s.key('2');
        equal(await s.ask(() => goshawk.view.tab), 'flame', '2');
        await tabTo(s, () => document.activeElement.id === 'tab-flame');
        await s.key('ArrowRight');
        equal(await s.ask(() => [goshawk.view.tab, document.activeElement.id]),
              ['table', 'tab-table'], 'an arrow');
        await s.page.waitForFunction(() => location.hash.includes('tab=table'));
    },

    async a_race_has_its_gap(s)
    {
        await s.open('story.html');
        const story = await s.ask(() => {
            const { trace, lane } = goshawk, m = { time: 780000, g: lane(0, 3), by: lane(0, 1),
                                              by_from: -1, by_to: 780000 };
            const { from, to, ordered, path } = raceStory(trace, m);
            const run = lastRunIn(trace, m.by, from, to), k = trace.kinds[0];
            return { from, to, ordered, path: path.map(i => trace.goroutines[k.lane[i]].id),
                     run: [k.begin[run], k.end[run]] };
        });
        equal(story, { from: 60000, to: 100000, ordered: true, path: [3], run: [10000, 100000] },
              'G1 created G3: what G1 does later is ordered by nothing');
        const longer = await s.ask(() => {
            const { trace, lane } = goshawk, m = { time: 950000, g: lane(0, 1), by: lane(0, 2),
                                              by_from: -1, by_to: 950000 };
            const { from, path } = raceStory(trace, m);
            return [from, path.map(i => trace.goroutines[trace.kinds[0].lane[i]].id)];
        });
        equal(longer, [700000, [3, 1]], 'G2 woke G3, G3 woke G1');
        await s.key('4');
        await s.page.click('.race-list button');
        await s.idle();
        const text = await s.page.innerText('#panel');
        for (const part of ['0x5150', 'G3 worker', '400.000 µs', 'G2 w', 'No recorded wake-up',
                            'read of 4 bytes at main_goroutine story.c:12',
                            'write of 8 bytes at worker story.c:34', '180.00 µs – 240.00 µs',
                            'Later access', 'Earlier access'])
            holds(text.includes(part), `the panel lacks “${part}”: ${text}`);
        const inked = await s.ask(() => {
            const v = goshawk.view, c = v.over.getContext('2d');
            const y = laneMiddle(v, 0, goshawk.lane(0, 2));
            return c.getImageData(Math.round(v.xAt(200000) * v.scale),
                                  Math.round((y + 12) * v.scale), 1, 1).data[3];
        });
        holds(inked > 0, 'the gap is marked on the lane of the earlier side');
    },

    async the_query_language_is_the_terminals()
    {
        const read = name => fs.readFileSync(path.join(root, name), 'utf8');
        const { parseQuery, queryTest, QUERY_STATES } = vm.runInNewContext(
            read('tools/view/query.js') + ';({ parseQuery, queryTest, QUERY_STATES })');
        const events = [...read('trace/events.def').matchAll(/^TR_EVENT\(\w+, \d+, "([^"]+)"/gm)]
            .map(m => m[1]);
        const numbers = ['g', 'by', 'addr', 'at_line', 'p', 'm', 'begin', 'end'];
        const subjects = [];
        let cases = 0;
        for (const line of read('tests/query_cases.txt').split('\n')) {
            const [what, a, b, ...more] = line.split('\t');
            if (what === 'span' || what === 'event') {
                const s = { name: a, is_span: what === 'span', g: 0, by: 0, addr: 0, state: -1,
                            p: -1, m: -1, begin: 0, end: 0 };
                for (const [key, value] of [b, ...more].map(x => x.split(/=(.*)/)))
                    s[key] = key === 'state' ? QUERY_STATES.indexOf(value)
                             : numbers.includes(key) ? Number(value) : value;
                subjects.push(s);
            } else if (what === 'find') {
                const { root, error } = parseQuery(a, events);
                const names = error || subjects.filter(queryTest(root)).map(s => s.name);
                equal(names, [b, ...more].filter(x => x !== undefined), a);
                cases++;
            } else if (what === 'fault') {
                const { error, column } = parseQuery(b, events);
                equal([column, !!error && error.includes(more[0])], [Number(a), true],
                      `${b}: ${error}`);
                cases++;
            }
        }
        holds(cases > 100, `${cases} cases`);
    },
};
