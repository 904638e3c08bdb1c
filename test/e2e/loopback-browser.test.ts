// A real browser signs in at the sandbox's page and comes back to the terminal chat on the registered port.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LEAVE_OPEN, linkOn, pick, ScriptedUi, terminalLab } from "../hosts/terminal/terminal-lab.ts";
import { installChromium, type Browser, type ChromiumResult, type Page } from "./lab/chromium.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";

/** What the browser and the terminal wait for of each other. */
const SOON = { timeout: PATIENCE_MS };

async function isRefused(page: Page, url: string): Promise<boolean> {
  return page.goto(url).then(
    () => false,
    (error: unknown) => String(error).includes("ERR_CONNECTION_REFUSED"),
  );
}

describe("Debian's Chromium", () => {
  let installed: ChromiumResult;
  let browser: Browser | undefined;

  beforeAll(async () => {
    installed = await installChromium();
    if (installed.ok) browser = await installed.launch();
  });

  afterAll(async () => {
    await browser?.close();
  });

  /** A page, and everything but its own address that it asked for or did. */
  async function newPage(): Promise<{ page: Page; events: string[] }> {
    if (browser === undefined) throw new Error("no browser");
    const page = await browser.newPage();
    const events: string[] = [];
    page.on("dialog", () => void events.push("dialog"));
    page.on("pageerror", () => void events.push("script"));
    page.on("request", (request) => void events.push(new URL(request.url?.() ?? "").pathname));
    return { page, events };
  }

  test("signs in, lands on our page, and the terminal goes on by itself", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const lab = await terminalLab({}, { listenAt: (port) => port });
    const { page, events } = await newPage();
    let shown = "";
    let picture: Uint8Array = new Uint8Array();
    let link = "";
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth work",
      pick("Paste the address"),
      (screen) => {
        link = linkOn(screen);
        return LEAVE_OPEN;
      },
      pick("Save and use first"),
      async () => {
        await expect.poll(() => shown, SOON).not.toBe("");
        return "Quit";
      },
    ]);
    const chat = lab.talk(ui);
    await expect.poll(() => link, SOON).not.toBe("");
    await page.goto(link);
    expect(await page.innerText("h1")).toBe("Sandbox sign-in");
    await page.click("button:has-text('grace@example.com')");
    await page.waitForURL(/^http:\/\/localhost:145[57]\/auth\/callback\?/);
    picture = await page.screenshot();
    shown = await page.innerText("body");
    const screen = await chat;

    expect(shown).toContain("The sign-in page's answer has arrived.");
    expect(shown).toContain("Go back to the terminal: the login is finished there.");
    expect(picture.byteLength).toBeGreaterThan(1_000);
    expect(events.filter((path) => path !== "/favicon.ico")).toEqual([
      "/oauth/authorize",
      "/sandbox/answer",
      "/auth/callback",
    ]);
    expect(ui.closed).toBe(1);
    expect(screen).toContain("✅ work is saved");
    expect(lab.world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
    // The browser's spare connections hold nothing: the port is free for the next one.
    expect(await isRefused(page, page.url())).toBe(true);
    await page.close();
  });

  test("shows a hostile error_description as text, and nothing of it runs or loads", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const lab = await terminalLab({}, { listenAt: (port) => port });
    const before = lab.world.readStore();
    const hostile = `</p><script>alert(1)</script><img src=x onerror=alert(2)><a href="http://evil.example">go</a>`;
    const { page, events } = await newPage();
    let body = "";
    let address = "";
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth work",
      (screen) => {
        address = lab.issuer.deny(linkOn(screen), "access_denied", hostile);
        return LEAVE_OPEN;
      },
      async () => {
        await expect.poll(() => body, SOON).not.toBe("");
        return "Quit";
      },
    ]);
    const chat = lab.talk(ui);
    await expect.poll(() => address, SOON).not.toBe("");
    const wrong = new URL(address);
    wrong.searchParams.set("state", "x".repeat(43));
    await page.goto(wrong.href);
    expect(await page.innerText("body")).toContain("This address belongs to another sign-in.");
    expect(await page.innerText("body")).not.toContain("alert");
    await page.goto(address);
    expect(await page.evaluate("document.querySelectorAll('script, img, a, form, link').length")).toBe(0);
    body = await page.innerText("body");
    const screen = await chat;

    expect(body).toContain("The sign-in was declined on the sign-in page.");
    expect(body).toContain(hostile);
    expect(body).toContain("Go back to the terminal");
    expect(events.filter((path) => path !== "/favicon.ico")).toEqual(["/auth/callback", "/auth/callback"]);
    expect(screen).toContain("declined on the sign-in page");
    expect(screen).not.toContain("alert");
    expect(lab.world.readStore()).toEqual(before);
    await page.close();
  });
});
