// Shows the dashboard: starts sample/05-observed, and Prometheus and Grafana where they are installed, with dashboards/ in
// them. Ctrl-C stops all of it. It leaves out what is not installed, and says so.
//
//   PORT              of the primary; the secondary has the next one (3000)
//   PROMETHEUS        the program, when it is not on the PATH
//   PROMETHEUS_PORT   (9090)
//   GRAFANA           the program (grafana-server, or grafana of Grafana 10 and later), when it is not on the PATH
//   GRAFANA_HOME      its home, with public/ in it (/usr/share/grafana)
//   GRAFANA_PORT      (3100)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SAMPLE = join(root, 'sample/05-observed/dist/start.js');
const LISTENING = /^A primary on (http:\S+), a secondary on (http:\S+)\. Of each:$/;
const START_MS = 60_000;
const POLL_MS = 200;

const work = mkdtempSync(join(tmpdir(), 'hypercache-dashboards-'));
const children = [];
let isStopping = false;

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(0));

try {
  const [primary, secondary] = await startSample();
  const prometheus = await startPrometheus([primary, secondary]);
  const grafana = await startGrafana(prometheus);
  console.log(`
The sample    ${primary} and ${secondary}: /hypercache, /health, /metrics, /load
Prometheus    ${prometheus === undefined ? 'not installed' : `${prometheus} (its alerts: ${prometheus}/alerts)`}
Grafana       ${grafana === undefined ? 'not installed' : `${grafana}/d/hypercache`}

  curl -X POST '${secondary}/load?reads=2000&writes=200&delay=200&failures=0.2'

Ctrl-C stops all of it.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  await stop(1);
}

async function startSample() {
  const storage = join(work, 'storage');
  const child = start('The sample', process.execPath, [SAMPLE], { STORAGE: storage });
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const match = LISTENING.exec(line);
      if (match !== null) resolve(match.slice(1));
    });
    child.once('exit', () => reject(new Error('The sample ended before it listened.')));
  });
}

/** Returns its address, or undefined where it is not installed. */
async function startPrometheus(urls) {
  const program = found('PROMETHEUS', ['prometheus']);
  if (program === undefined) {
    console.log(`Prometheus is not installed, so nothing collects the metrics. On Debian: apt install prometheus; else
https://prometheus.io/download, and PROMETHEUS=<the program>.`);
    return undefined;
  }
  const targets = urls.map((url) => new URL(url).host);
  const config = join(work, 'prometheus.yml');
  const content = {
    global: { scrape_interval: '2s', evaluation_interval: '5s' },
    rule_files: [join(root, 'dashboards/alerts.yml')],
    scrape_configs: [{ job_name: 'sample', static_configs: [{ targets }] }],
  };
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(content));
  const address = `127.0.0.1:${process.env['PROMETHEUS_PORT'] ?? 9090}`;
  const child = start('Prometheus', program, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(work, 'prometheus')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ]);
  await answers('Prometheus', child, `http://${address}/-/ready`);
  return `http://${address}`;
}

/** Returns its address, or undefined where it is not installed. */
async function startGrafana(prometheus) {
  const program = found('GRAFANA', ['grafana-server', 'grafana']);
  if (program === undefined) {
    console.log(`Grafana is not installed, so nothing draws the dashboard. Neither Debian nor npm has it: https://grafana.com/grafana/download,
and GRAFANA=<the program> GRAFANA_HOME=<its directory>. In a Grafana that you have, import dashboards/hypercache.json.`);
    return undefined;
  }
  const port = process.env['GRAFANA_PORT'] ?? '3100';
  const home = process.env['GRAFANA_HOME'] ?? '/usr/share/grafana';
  const args = basename(program) === 'grafana' ? ['server'] : [];
  const child = start('Grafana', program, [...args, `--homepath=${home}`], {
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: port,
    GF_PATHS_DATA: join(work, 'grafana'),
    GF_PATHS_LOGS: join(work, 'grafana-logs'),
    GF_PATHS_PROVISIONING: provisioning(prometheus),
    GF_LOG_LEVEL: 'error',
    GF_ANALYTICS_REPORTING_ENABLED: 'false',
    GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    // On this machine alone, and gone when it ends.
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
    GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
  });
  const url = `http://127.0.0.1:${port}`;
  await answers('Grafana', child, `${url}/api/health`);
  return url;
}

/** What Grafana reads at its start: the data source, and where the dashboard is. */
function provisioning(prometheus) {
  const directory = join(work, 'provisioning');
  const write = (name, content) => {
    mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, name, 'hypercache.yaml'), JSON.stringify(content));
  };
  const source = { name: 'Prometheus', type: 'prometheus', access: 'proxy', isDefault: true };
  write('datasources', {
    apiVersion: 1,
    datasources: prometheus === undefined ? [] : [{ ...source, url: prometheus }],
  });
  write('dashboards', {
    apiVersion: 1,
    providers: [{ name: 'HyperCache', type: 'file', options: { path: join(root, 'dashboards') } }],
  });
  return directory;
}

function start(what, program, args, environment = {}) {
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // A full pipe would hold it up.
  child.stdout.resume();
  children.push(child);
  child.once('error', (error) => console.error(`${what} did not start: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (isStopping) return;
    console.error(`${what} has ended (${signal ?? code}).`);
    void stop(1);
  });
  return child;
}

async function answers(what, child, url) {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && child.exitCode === null && child.pid !== undefined) {
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await delay(POLL_MS);
  }
  throw new Error(`${what} does not answer at ${url}.`);
}

/** The path of a program: named by a variable, or one of these on the PATH. */
function found(variable, names) {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The youngest first. */
async function stop(exitCode) {
  if (isStopping) return;
  isStopping = true;
  for (const child of children.toReversed()) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  rmSync(work, { recursive: true, force: true });
  process.exit(exitCode);
}
