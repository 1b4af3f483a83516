/** What becomes of bytes that arrive at a proxy: a cut closes both connections. */
export type Verdict = "pass" | "cut" | "pass half and cut";

/** Bytes on their way through a proxy. */
export interface Passage {
  from: "client" | "server";
  bytes: Uint8Array;
  /** Passages of the same direction and connection before this one. */
  earlier: number;
}

/** A TCP proxy on loopback that cuts connections at given passages. */
export interface TcpProxy {
  readonly port: number;
  /** Decides about everything that passes; by default it all does. */
  judge: (passage: Passage) => Verdict;
  /** Cuts everything that is open. */
  cutAll(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of a server on loopback. */
export function startTcpProxy(targetPort: number): TcpProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const proxy: TcpProxy = {
    port: listener.addr.port,
    judge: () => "pass",
    cutAll: () => open.forEach(close),
    close: async () => {
      listener.close();
      open.forEach(close);
      await accepting;
    },
  };
  const accepting = accept();
  return proxy;

  async function accept(): Promise<void> {
    try {
      for await (const client of listener) void connect(client);
    } catch {
      // Accepting ends with the listener.
    }
  }

  async function connect(client: Deno.Conn): Promise<void> {
    open.add(client);
    try {
      const server = await Deno.connect({
        hostname: "127.0.0.1",
        port: targetPort,
      });
      open.add(server);
      await Promise.race([
        pump("client", client, server),
        pump("server", server, client),
      ]);
      close(server);
    } catch {
      // The server is away; so is the proxy then.
    }
    close(client);
  }

  async function pump(
    from: Passage["from"],
    source: Deno.Conn,
    target: Deno.Conn,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let earlier = 0;; earlier++) {
        const length = await source.read(buffer);
        if (length === null) return;
        const bytes = buffer.subarray(0, length);
        const verdict = proxy.judge({ from, bytes, earlier });
        if (verdict === "cut") return;
        const half = verdict === "pass half and cut";
        await write(target, half ? bytes.subarray(0, length >> 1) : bytes);
        if (half) return;
      }
    } catch {
      // Either side is gone.
    }
  }

  function close(connection: Deno.Conn): void {
    open.delete(connection);
    try {
      connection.close();
    } catch {
      // It was closed already.
    }
  }
}

async function write(target: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await target.write(bytes.subarray(at));
  }
}

/** Whether bytes contain an ASCII text. */
export function contains(bytes: Uint8Array, text: string): boolean {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]); at >= 0;) {
    if (wanted.every((byte, n) => bytes[at + n] === byte)) return true;
    at = bytes.indexOf(wanted[0], at + 1);
  }
  return false;
}
