/** The TCP proxies between the services and what they use, each service with one of its own. */
import type { LinkName } from './faults.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface Links {
  /** By name; a tier of several nodes has one a node. */
  readonly by: Readonly<Record<LinkName, readonly TcpProxy[]>>;
  /** The run's own way to Redis, which no fault but a failover meets. */
  readonly own: TcpProxy;
  /** Leads connections to Redis that are made from now on to this port. */
  moveRedis(port: number): void;
  close(): Promise<void>;
}

export async function openLinks(options: {
  readonly redisPort: number;
  readonly awsPort: number;
  readonly webNodes: number;
}): Promise<Links> {
  const { redisPort, awsPort, webNodes } = options;
  const several = (count: number, port: number): Promise<TcpProxy[]> =>
    Promise.all(Array.from({ length: count }, () => startTcpProxy(port)));
  const own = await startTcpProxy(redisPort);
  const by: Record<LinkName, TcpProxy[]> = {
    'redis web': await several(webNodes, redisPort),
    'redis app': await several(1, redisPort),
    'aws web': await several(webNodes, awsPort),
    'aws scaler': await several(1, awsPort),
    'aws worker': await several(1, awsPort),
  };
  return {
    by,
    own,
    moveRedis(port) {
      for (const proxy of [own, ...by['redis web'], ...by['redis app']]) proxy.target = port;
    },
    async close() {
      await Promise.all([own, ...Object.values(by).flat()].map((proxy) => proxy.close()));
    },
  };
}
