/* page_firefox.mjs - the page of goshawk trace view in Firefox: it opens, draws, takes keys and clicks.
 *
 *     node page_firefox.mjs STORY FOLDER
 *
 * As page.mjs, but playwright-core drives only a Firefox of its own, so this speaks Marionette, the
 * protocol that every Firefox has: "LENGTH:[0,ID,COMMAND,PARAMETERS]" on a socket, answered with
 * [1,ID,ERROR,RESULT].  What the page does is tested in Chromium; here that Firefox does it too.
 * Exit code 77 (skipped) where there is no Firefox. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [story, folder] = process.argv.slice(2).map(p => path.resolve(p));
const names = ['firefox-esr', 'firefox'], SKIPPED = 77, STARTS_MS = 90000, ANSWERS_MS = 60000;
const binary = process.env.PATH.split(path.delimiter)
    .flatMap(dir => names.map(n => path.join(dir, n))).find(f => fs.existsSync(f));
if (!binary) {
    console.log('SKIP: no firefox on PATH');
    process.exit(SKIPPED);
}

function holds(ok, what)
{
    if (!ok)
        throw new Error(what);
}

/* A Firefox without windows, with a profile of its own, and the connection to it. */
class Firefox {
    static async start()
    {
        const f = new Firefox();
        f.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'goshawk-page-'));
        fs.writeFileSync(path.join(f.profile, 'user.js'), 'user_pref("marionette.port", 0);\n' +
            'user_pref("ui.systemUsesDarkTheme", 0);\nuser_pref("app.update.enabled", false);\n');
        f.process = spawn(binary, ['--headless', '--no-remote', '--marionette', '--width', '1280',
                                   '--height', '900', '--profile', f.profile, 'about:blank'],
                          { stdio: ['ignore', 'pipe', 'pipe'],
                            env: Object.assign({}, process.env, { HOME: f.profile }) });
        await f.connect(await f.port());
        return f;
    }
    /* The port is in a line that Firefox prints once it listens. */
    port()
    {
        return new Promise((done, failed) => {
            const timer = setTimeout(() => failed(new Error('Firefox does not start')), STARTS_MS);
            let text = '';
            const read = part => {
                text += part;
                const m = /Listening on port (\d+)/.exec(text);
                if (m) {
                    clearTimeout(timer);
                    done(+m[1]);
                }
            };
            this.process.stdout.on('data', read);
            this.process.stderr.on('data', read);
            this.process.on('exit', () => failed(new Error('Firefox ended: ' + text)));
        });
    }
    connect(port)
    {
        this.waiting = new Map();
        this.id = 0;
        let buffer = Buffer.alloc(0);
        return new Promise((done, failed) => {
            this.socket = net.connect(port, '127.0.0.1');
            this.socket.on('error', failed);
            this.socket.on('data', part => {
                buffer = Buffer.concat([buffer, part]);
                for (let colon; (colon = buffer.indexOf(':')) > 0;) {
                    const end = colon + 1 + parseInt(buffer.subarray(0, colon).toString(), 10);
                    if (buffer.length < end)
                        return;
                    this.answer(JSON.parse(buffer.subarray(colon + 1, end).toString()), done);
                    buffer = buffer.subarray(end);
                }
            });
        });
    }
    /* The first message is a greeting; the others answer commands. */
    answer(message, greeted)
    {
        if (!Array.isArray(message)) {
            greeted();
            return;
        }
        const [, id, error, result] = message, { done, failed } = this.waiting.get(id);
        this.waiting.delete(id);
        if (error)
            failed(new Error(error.message));
        else
            done(result);
    }
    send(command, parameters = {})
    {
        const id = ++this.id, text = JSON.stringify([0, id, command, parameters]);
        this.socket.write(Buffer.byteLength(text) + ':' + text);
        return new Promise((done, failed) => {
            const timer = setTimeout(() => failed(new Error(command + ': no answer')), ANSWERS_MS);
            this.waiting.set(id, { done: r => { clearTimeout(timer); done(r); }, failed });
        });
    }
    /* The value of an expression in the page, as JSON. */
    async ask(expression)
    {
        const { value } = await this.send('WebDriver:ExecuteScript', {
            script: `return JSON.stringify(${expression})`, args: [] });
        return value === null || value === undefined ? value : JSON.parse(value);
    }
    async until(expression)
    {
        const end = Date.now() + ANSWERS_MS;
        while (!await this.ask(`!!(${expression})`))
            holds(Date.now() < end, 'in vain: ' + expression);
    }
    async key(value)
    {
        await this.send('WebDriver:PerformActions', { actions: [
            { type: 'key', id: 'keys', actions: [{ type: 'keyDown', value },
                                                 { type: 'keyUp', value }] }] });
        await this.until('goshawk.idle()');
    }
    async click(x, y)
    {
        await this.send('WebDriver:PerformActions', { actions: [
            { type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions: [
                { type: 'pointerMove', x: Math.round(x), y: Math.round(y) },
                { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 }] }] });
        await this.until('goshawk.idle()');
    }
    async picture(file)
    {
        const { value } = await this.send('WebDriver:TakeScreenshot', { full: false });
        fs.writeFileSync(file, Buffer.from(value, 'base64'));
    }
    async stop()
    {
        const ended = new Promise(done => this.process.once('exit', done));
        this.process.kill('SIGKILL');
        await ended;
        this.socket.destroy();
    }
}

const SPAN = 'goshawk.selected() && [goshawk.selected().id, goshawk.selected().text]';

async function look(f)
{
    await f.send('WebDriver:NewSession', { capabilities: { alwaysMatch: {} } });
    await f.send('WebDriver:Navigate', { url: pathToFileURL(path.join(folder, 'story.html')).href });
    await f.until('window.goshawk && (goshawk.error || goshawk.idle())');
    holds(!await f.ask('goshawk.error || null'), 'the page opens');
    const groups = await f.ask('goshawk.lanes().map(g => [g.id, g.count])');
    holds(JSON.stringify(groups) === '[["counters",3],["p",2],["m",2],["g",4],["o",3]]',
          'lanes: ' + JSON.stringify(groups));
    await f.key('w');
    const w = await f.ask('goshawk.window()');
    holds(Math.abs(w.t1 - w.t0 - 700000) < 1, 'w zooms: ' + JSON.stringify(w));
    await f.key('0');
    const at = await f.ask('goshawk.place(0, goshawk.lane(0, 2), 400000)');
    await f.click(at.x, at.y);
    const chosen = await f.ask(SPAN);
    holds(JSON.stringify(chosen) === '[2,"chan receive"]', 'a click: ' + JSON.stringify(chosen));
    const ink = await f.ask(`(() => { const v = goshawk.view, c = v.canvas.getContext('2d');
        return [...c.getImageData(Math.round(v.xAt(300000) * v.scale), Math.round((v.laneY(0,
            goshawk.lane(0, 3)) - v.box.scrollTop + 12) * v.scale), 1, 1).data]; })()`);
    holds(ink.join() === '67,160,100,255', 'G3 runs, green: ' + ink);
    for (const [key, tab] of [['2', 'flame'], ['3', 'table'], ['4', 'races']]) {
        await f.key(key);
        holds(await f.ask('goshawk.view.tab') === tab, `${key} shows ${tab}`);
        holds((await f.ask("document.getElementById('panel').innerText")).length > 20, tab);
    }
    await f.key('t');
    holds(await f.ask('goshawk.view.theme.name') === 'dark', 't makes it dark');
}

fs.mkdirSync(folder, { recursive: true });
const made = spawnSync(story, ['view', 'story.gtrace', '-o', 'story.html'], { cwd: folder });
if (made.status !== 0) {
    console.log('FAIL view: ' + made.stderr);
    process.exit(1);
}
const firefox = await Firefox.start();
let failed = null;
try {
    await look(firefox);
} catch (e) {
    failed = e;
    await firefox.picture(path.join(folder, 'fail.png')).catch(() => {});
}
if (!failed && process.env.PICTURE)
    await firefox.picture(process.env.PICTURE);
await firefox.stop();
fs.rmSync(firefox.profile, { recursive: true, force: true, maxRetries: 5 });
console.log(failed ? `FAIL ${failed.message}\n     picture: ${folder}/fail.png` : 'ok');
process.exit(failed ? 1 : 0);
