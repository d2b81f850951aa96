-- Counts an operation in every window, or in none. A window is a sorted set: one member for each unit, by time in ms.
-- KEYS: one a window. ARGV: now in ms, operation id, then for each window: allowed, amount, length in ms.
local now, operation = tonumber(ARGV[1]), ARGV[2]
local reply, uncounted = {1}, {}

for i, key in ipairs(KEYS) do
  local allowed, amount, window = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local used = redis.call('ZCARD', key)
  local wait = 0
  if not redis.call('ZSCORE', key, operation) then
    uncounted[#uncounted + 1] = i
    local surplus = used + amount - allowed
    if surplus > 0 then
      reply[1] = 0
      -- What must leave first; more than there is means that the amount never fits.
      local leaving = redis.call('ZRANGE', key, surplus - 1, surplus - 1, 'WITHSCORES')
      wait = leaving[2] and tonumber(leaving[2]) + window - now or window
    end
  end
  reply[3 * i - 1], reply[3 * i + 1] = used, wait
end

if reply[1] == 1 then
  for _, i in ipairs(uncounted) do
    local amount, window = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
    for unit = 1, amount do
      redis.call('ZADD', KEYS[i], now, unit == 1 and operation or operation .. '\n' .. unit)
    end
    redis.call('PEXPIRE', KEYS[i], window)
    reply[3 * i - 1] = reply[3 * i - 1] + amount
  end
end

for i, key in ipairs(KEYS) do
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  reply[3 * i] = oldest[2] and tonumber(oldest[2]) + tonumber(ARGV[3 * i + 2]) - now or 0
end
return reply
