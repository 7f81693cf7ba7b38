/* theme.js - colours and marks of states, light and dark.
 *
 * A state is never shown by colour alone: running fills the lane's height, runnable fills it and is
 * hatched, blocked states are slimmer bars that carry their reason, idle is blank. */

/* How a class is drawn; see raster.js. */
const STYLE_BLANK = 0, STYLE_FULL = 1, STYLE_HATCH = 2, STYLE_SLIM = 3, STYLE_THIN = 4;

const CLASS_TEXT = ['running', 'runnable', 'channel', 'mutex', 'select', 'net', 'syscall', 'sleep',
                    'other', 'unknown'];
const CLASS_STYLE = [STYLE_FULL, STYLE_HATCH, STYLE_SLIM, STYLE_SLIM, STYLE_SLIM, STYLE_SLIM,
                     STYLE_SLIM, STYLE_SLIM, STYLE_SLIM, STYLE_THIN];

/* Order of the states in a column that shows several, from the bottom. */
const CLASS_STACK = [CL_RUNNING, CL_RUNNABLE, CL_SYSCALL, CL_NET, CL_MUTEX, CL_OTHER, CL_SELECT,
                     CL_CHAN, CL_SLEEP, CL_UNKNOWN];

const STATE_COLOURS = {
    light: ['#43a064', '#00aebf', '#f0b1aa', '#dc5f57', '#eebb9c', '#e79ac6', '#96323e', '#c3c9d3',
            '#d3a48f', '#d9dde4'],
    dark: ['#47a868', '#1cc7d8', '#a8655f', '#c94f49', '#a9745a', '#b96698', '#8f3843', '#4d5563',
           '#8f6a57', '#333a46'],
};

const THEMES = {
    light: {
        bg: '#ffffff', panel: '#f6f7f9', head: '#f1f3f6', line: '#e4e7ec', grid: '#eff1f4',
        text: '#1c2129', dim: '#646d7c', faint: '#9aa2af', accent: '#2458d3', stripe: '#fafbfc',
        race: '#d6009b', idle: '#e3e7ed', scheduler: '#cfd6e0', detached: '#96323e',
        hatch: '#8fe3ea', frame: '#e6e9f2', fn_l: 0.82, fn_c: 0.085, on_fn: '#20262f',
    },
    dark: {
        bg: '#14171c', panel: '#191d23', head: '#1d222a', line: '#2a303a', grid: '#20252d',
        text: '#dde1e8', dim: '#98a1b0', faint: '#6c7584', accent: '#7fb0ff', stripe: '#171a20',
        race: '#ff4fc8', idle: '#222831', scheduler: '#39424f', detached: '#8f3843',
        hatch: '#0d7f8c', frame: '#2b313d', fn_l: 0.56, fn_c: 0.085, on_fn: '#f4f6f9',
    },
};

/* Away from the greens and reds of the states; neighbours differ in lightness too. */
const FUNCTION_HUES = [255, 75, 310, 205, 100, 285, 230, 60, 325, 185, 115, 270];

/* OKLCH to #rrggbb: equal lightness to the eye for every hue. */
function oklch(l, c, hue)
{
    const a = c * Math.cos(hue * Math.PI / 180), b = c * Math.sin(hue * Math.PI / 180);
    const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const z = (l - 0.0894841775 * a - 1.2914855480 * b) ** 3;
    const rgb = [4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
                 -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
                 -0.0041960863 * x - 0.7034186147 * y + 1.7076147010 * z];
    return '#' + rgb.map(v => {
        const s = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
        return Math.round(clamp(s, 0, 1) * 255).toString(16).padStart(2, '0');
    }).join('');
}

function abgr(hex)
{
    const v = parseInt(hex.slice(1), 16);
    return (0xff000000 | (v & 0xff) << 16 | (v & 0xff00) | v >>> 16) >>> 0;
}

/* a over b, with weight w of a. */
function mix(a, b, w)
{
    const ch = s => Math.round(((a >>> s) & 255) * w + ((b >>> s) & 255) * (1 - w));
    return (0xff000000 | ch(16) << 16 | ch(8) << 8 | ch(0)) >>> 0;
}

function luminance(hex)
{
    const v = parseInt(hex.slice(1), 16);
    return (0.299 * (v >> 16) + 0.587 * ((v >> 8) & 255) + 0.114 * (v & 255)) / 255;
}

/* Everything that drawing needs of a theme, and the page's own colours set along. */
function makeTheme(name)
{
    const t = Object.assign({ name }, THEMES[name]);
    const states = STATE_COLOURS[name];
    const functions = FUNCTION_HUES.map((h, n) =>
        oklch(t.fn_l + (n % 2 ? 0.035 : -0.035), t.fn_c, h));
    t.state = states;
    t.functions = functions;
    t.bg32 = abgr(t.bg);
    t.stripe32 = abgr(t.stripe);
    t.hatch32 = abgr(t.hatch);
    t.more32 = abgr(t.dim);
    const on = hex => luminance(hex) > 0.56 ? '#1a1f27' : '#ffffff';
    const lanes = [t.idle, t.scheduler, t.detached, ...functions];
    const objects = [t.idle, states[CL_CHAN]];
    t.fill = [states, lanes, lanes, objects].map(list => Uint32Array.from(list, abgr));
    t.on = [states.map(on), lanes.map(on), lanes.map(on), objects.map(() => t.text)];
    const lane_style = lanes.map((_, c) => c === LC_IDLE ? STYLE_BLANK
                                           : c === LC_SCHEDULER ? STYLE_THIN : STYLE_FULL);
    t.style = [CLASS_STYLE, lane_style, lane_style, [STYLE_BLANK, STYLE_FULL]];
    const lane_stack = lanes.map((_, c) => (c + LC_DETACHED) % lanes.length);
    t.stack = [CLASS_STACK, lane_stack, lane_stack, [LO_WAITED]];
    for (const key of ['bg', 'panel', 'head', 'line', 'grid', 'text', 'dim', 'faint', 'accent',
                       'race'])
        document.documentElement.style.setProperty('--' + key, t[key]);
    states.forEach((c, i) => document.documentElement.style.setProperty('--cl' + i, c));
    document.documentElement.style.colorScheme = name;
    return t;
}
