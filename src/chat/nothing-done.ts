// What a status says where there is nothing to say; a file of its own, because that is said without loading the chat.

/** The whole of such a status. */
export const NOTHING_DONE = "Nothing is running, and nothing was done yet.";
