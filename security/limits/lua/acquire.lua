-- Counts hits in their windows: all, or none. A window is a sorted set: one member for each unit, by time in ms.
-- KEYS: one a hit. ARGV: now in ms, then for each hit: operation id, allowed, amount, length in ms, how many units
-- are waited for by others that came before.
local now = tonumber(ARGV[1])
local reply, uncounted, planned = {1}, {}, {}

for i, key in ipairs(KEYS) do
  local base = 5 * i - 3
  local operation = ARGV[base]
  local allowed, amount, window = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2]), tonumber(ARGV[base + 3])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local wait = 0
  if not redis.call('ZSCORE', key, operation) then
    uncounted[#uncounted + 1] = i
    planned[key] = (planned[key] or redis.call('ZCARD', key)) + amount
    local surplus = planned[key] - allowed
    if surplus > 0 then
      reply[1] = 0
      -- What must leave first; more than there is means that the amount never fits, or nobody knows when.
      local last = surplus + tonumber(ARGV[base + 4]) - 1
      local leaving = redis.call('ZRANGE', key, last, last, 'WITHSCORES')
      wait = leaving[2] and tonumber(leaving[2]) + window - now or window
    end
  end
  reply[3 * i + 1] = wait
end

if reply[1] == 1 then
  for _, i in ipairs(uncounted) do
    local base = 5 * i - 3
    for unit = 1, tonumber(ARGV[base + 2]) do
      redis.call('ZADD', KEYS[i], now, unit == 1 and ARGV[base] or ARGV[base] .. '\n' .. unit)
    end
    redis.call('PEXPIRE', KEYS[i], ARGV[base + 3])
  end
end

for i, key in ipairs(KEYS) do
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  reply[3 * i - 1] = oldest[2] and redis.call('ZCARD', key) or 0
  reply[3 * i] = oldest[2] and tonumber(oldest[2]) + tonumber(ARGV[5 * i]) - now or 0
end
return reply
