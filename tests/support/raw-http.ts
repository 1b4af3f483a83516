/** HTTP by hand, for what `fetch` does not let a test say or see. */

/** An answer as it came over the wire. */
interface RawAnswer {
  status: number;
  headers: Headers;
  /** Everything after the head, unparsed. */
  body: Uint8Array;
}

/**
 * Sends `request` (its head's lines, then its body) and reads until the server
 * closes the connection, or until `timeoutMs` have passed.
 */
export async function exchange(
  port: number,
  head: string[],
  body: Uint8Array = new Uint8Array(),
  timeoutMs = 5000,
): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => connection.close(), timeoutMs);
  try {
    const text = `${head.join("\r\n")}\r\n\r\n`;
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(text));
    if (body.length) await writer.write(body);
    return parse(await readAll(connection));
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // The other side was faster.
    }
  }
}

async function readAll(connection: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      chunks.push(buffer.slice(0, count));
    }
  } catch {
    // The timeout closed it: what has come until now is the answer.
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

function parse(bytes: Uint8Array): RawAnswer {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    body: bytes.slice(end + 4),
  };
}
