// The bare grammY bot that ours is compared with: answers each message and each press with one message. argv: <api root>; env: BOT_TOKEN.

import { Bot } from "grammy";

// oxlint-disable-next-line node/no-process-env -- a token has no place in argv, not even a fake one
const bot = new Bot(process.env.BOT_TOKEN, { client: { apiRoot: process.argv[2] } });
bot.on("message:text", (context) => context.reply(context.message.text));
bot.on("callback_query:data", async (context) => {
  await context.answerCallbackQuery();
  await context.editMessageText(`pressed ${context.update.update_id}`, {
    reply_markup: { inline_keyboard: [[{ text: "again", callback_data: "again" }]] },
  });
});
await bot.start({ onStart: () => process.stdout.write("listens\n") });
