// Looks at the status page as a person does: names of all kinds, widths, colours, keyboard, print and axe.
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "namesrv-page-"));
const failures = [];
const check = (isSo, what) => {
  if (!isSo) failures.push(what);
  console.log(`${isSo ? "ok" : "FAILED"}: ${what}`);
};

function start(name, more = []) {
  const config = join(folder, `${name}.conf`);
  const kv = `kvConfigPath=${folder}/${name}.json`;
  const lines = ["listenPort=0", "bindAddress=127.0.0.1", "adminListen=127.0.0.1:0", kv, ...more];
  writeFileSync(config, lines.join("\n") + "\n");
  const server = spawn(process.env.NAMESRV, ["-c", config], { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let log = "";
    const read = (bytes) => {
      log += bytes;
      const admin = log.match(/everything else is read here.* address=(\S+)/);
      const port = log.match(/boot success\..*:(\d+)\n/);
      if (admin && port) resolve({ server, admin: admin[1], port: Number(port[1]) });
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
}

// A connection to the first port that sends requests one after the other.
class Client {
  constructor(port) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", () => this.answered?.());
  }

  ask(code, fields, body = "") {
    const header = Buffer.from(
      JSON.stringify({ code, extFields: fields, flag: 0, language: "JAVA", opaque: 1, version: 513 }),
    );
    const content = Buffer.from(body);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(4 + header.length + content.length, 0);
    lengths.writeUInt32BE(header.length, 4);
    const answered = new Promise((resolve) => (this.answered = resolve));
    this.socket.write(Buffer.concat([lengths, header, content]));
    return answered;
  }

  register(clusterName, brokerName, brokerId, brokerAddr, topics, queues) {
    const config = (topicName) => [topicName, { topicName, readQueueNums: queues, writeQueueNums: queues, perm: 6 }];
    const topicConfigTable = Object.fromEntries(topics.map(config));
    const dataVersion = { counter: 412, stateVersion: 0, timestamp: 1 };
    const body = JSON.stringify({ topicConfigSerializeWrapper: { topicConfigTable, dataVersion } });
    const fields = { clusterName, brokerName, brokerId: `${brokerId}`, brokerAddr, haServerAddr: "", compressed: "false" };
    return this.ask(103, fields, body);
  }
}

async function fill(port) {
  const client = new Client(port);
  const topics = Array.from({ length: 300 }, (_, number) => `Topic-${number}`);
  await client.register("DefaultCluster", "broker-a", 0, "10.0.0.1:10911", topics, 8);
  await client.register("DefaultCluster", "broker-a", 1, "10.0.0.2:10911", topics, 8);
  await client.register("DefaultCluster", "broker-b", 0, "10.0.0.3:10911", ["Topic-0", "Topic-1"], 16);
  await client.register("<script>document.title='x'</script>", "\"'><img src=x onerror=alert(1)>", 2, "10.0.0.4:1", ["\u202Etfel\u0007", "<u>T</u>"], 4);
  await client.register("\u05D0\u05D1\u05D2", "x".repeat(255), 0, "10.0.0.5:10911", ["y".repeat(255), "Topic-0"], 4);
  for (let number = 0; number < 40; number++) await client.ask(105, { topic: number % 2 ? "OldTopic" : "<b>Lost</b>" });
  await client.ask(100, { namespace: "ns", key: "<i>key</i>", value: "v" });
  await client.ask(205, { brokerName: "broker-b" });
  const stranger = connect(port, "127.0.0.1");
  stranger.write("GET /<script> HTTP/1.1\r\n\r\n");
  return [client, stranger];
}

// The page shows how the other NameServers differ once they were asked.
async function compared(admin) {
  for (;;) {
    const drift = await (await fetch(`http://${admin}/api/v1/drift`)).json();
    if (!drift.running && drift.members.every((member) => member.comparedAt)) return;
  }
}

async function look(browser, url, width, colorScheme) {
  const name = `${width}-${colorScheme}`;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  await page.goto(url);
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  const { violations } = await new AxeBuilder({ page }).analyze();
  violations.forEach(({ id, nodes }) => console.log(id, nodes.map((node) => node.html.slice(0, 200))));
  check(violations.length === 0, `axe finds nothing at ${name}`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(overflow <= 0, `nothing is cut off at ${name}`);
  await context.close();
}

async function use(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("dialog", () => complaints.push("a script ran"));
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  const response = await page.goto(new URL("/", url).href);
  check(page.url() === url, "the root leads to the page");
  const length = (await response.body()).length;
  check(length <= 100_000, `the page has ${length} bytes`);
  const duration = await page.evaluate(() => performance.getEntriesByType("navigation")[0].duration);
  console.log(`loaded in ${Math.round(duration)} ms`);
  check((await page.title()).startsWith("NameServer "), "no name became a script");
  check((await page.locator("main script, main img").count()) === 0, "no name became an element");
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement.className)) === "skip", "the keyboard begins at the skip link");
  await page.getByRole("searchbox").fill("topic-29");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/status?topic=topic-29");
  check((await page.getByRole("link", { name: /^Topic-29/ }).count()) === 11, "a search finds topics");
  check(await page.getByText("has different queues").first().isVisible(), "topics that differ are named");
  check(await page.getByRole("table", { name: "What differs" }).isVisible(), "other NameServers are compared");
  await page.emulateMedia({ media: "print" });
  check(!(await page.getByRole("button").first().isVisible()), "print leaves the form out");
  check(requests.every((request) => request.startsWith(new URL("/", url).href)), "nothing is loaded from elsewhere");
  check(complaints.length === 0, `the browser has no complaints ${complaints}`);
  await context.close();
}

const other = await start("other");
const members = `nsaddrMembers=127.0.0.1:${other.port};127.0.0.1:1`;
const { server, admin, port } = await start("ns", [members]);
let browser;
try {
  const clients = await fill(port);
  await compared(admin);
  const flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"];
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
  const url = `http://${admin}/status`;
  for (const width of [360, 400, 1400]) {
    for (const colorScheme of ["light", "dark"]) await look(browser, url, width, colorScheme);
  }
  await use(browser, url);
  clients.forEach((client) => (client.socket ?? client).destroy());
} finally {
  await browser?.close();
  for (const process of [server, other.server]) {
    process.removeAllListeners("exit");
    process.kill();
    // It saves its routes before it ends.
    if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
  }
  rmSync(folder, { recursive: true });
}
console.log(failures.length === 0 ? "passed" : `${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
