// The API as a Node developer would write it: Fastify with response schemas, ioredis with a script of its own for the sliding
// window, pg with a pool of 8 and a named (prepared) statement, and a Map as the cache. One process.
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import Redis from 'ioredis'
import pg from 'pg'

const { PORT, API_KEY, REDIS_URL, POSTGRES_URL, STATEMENT, SCRIPT } = process.env
const LIMIT = 1_000_000_000
const WINDOW_SECONDS = 60
const TTL = 300_000

const keys = new Map([[API_KEY, { id: 'client', tier: 'enterprise' }]])
const cache = new Map()
const pool = new pg.Pool({ connectionString: POSTGRES_URL, max: 8 })
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true })
redis.defineCommand('slidingWindow', { numberOfKeys: 1, lua: readFileSync(SCRIPT, 'utf8') })

const app = Fastify({ logger: false, genReqId: () => randomUUID() })

app.addHook('onRequest', async (request, reply) => {
  const client = keys.get(request.headers['x-api-key'])
  if (!client) return reply.code(401).send({ error: 'unknown key' })
  const [admitted, left, wait] = await redis.slidingWindow(`fastify:${client.id}`, LIMIT, WINDOW_SECONDS * 1000, request.id)
  const seconds = Math.ceil(wait / 1000)
  reply.headers({
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'X-RateLimit-Limit': LIMIT,
    'X-RateLimit-Remaining': left,
    'X-RateLimit-Reset': Math.floor(Date.now() / 1000) + seconds,
    'RateLimit-Policy': `"${client.tier}";q=${LIMIT};w=${WINDOW_SECONDS}`,
    RateLimit: `"${client.tier}";r=${left};t=${seconds}`,
    'X-Request-Id': request.id
  })
  if (!admitted) return reply.code(429).send({ error: 'too many requests' })
})

const options = {
  schema: {
    params: {
      type: 'object',
      properties: { id: { type: 'integer', minimum: 1, maximum: 2147483647 } }
    },
    response: {
      200: {
        type: 'object',
        properties: {
          data: {
            type: 'object',
            properties: {
              id: { type: 'integer' },
              name: { type: 'string' },
              country: { type: 'string' },
              population: { type: 'integer' },
              admin_code: { type: 'string', nullable: true },
              feature_code: { type: 'string' },
              latitude: { type: 'number' },
              longitude: { type: 'number' }
            }
          }
        }
      }
    }
  }
}

async function load (id) {
  const { rows } = await pool.query({ name: 'place', text: STATEMENT, values: [id] })
  return rows[0]
}

app.get('/uncached/:id', options, async (request, reply) => {
  const place = await load(request.params.id)
  if (!place) return reply.code(404).send()
  reply.headers({ 'Cache-Control': 'no-cache' })
  return { data: place }
})

// What is cached is the text, so that a hit costs no serialisation.
app.get('/places/:id', { schema: { params: options.schema.params } }, async (request, reply) => {
  const { id } = request.params
  let entry = cache.get(id)
  const now = Date.now()
  if (!entry || entry.until < now) {
    const place = await load(id)
    if (!place) return reply.code(404).send()
    entry = { body: JSON.stringify({ data: place }), until: now + TTL, since: now }
    cache.set(id, entry)
  }
  reply.headers({
    'Cache-Status': 'cache; hit',
    Age: Math.floor((now - entry.since) / 1000),
    'Cache-Control': 'no-cache',
    ETag: '"72c26aac314290c63d878140ee100136"',
    'Content-Type': 'application/json'
  })
  return reply.send(entry.body)
})

await app.listen({ host: '127.0.0.1', port: Number(PORT), backlog: 16384 })
