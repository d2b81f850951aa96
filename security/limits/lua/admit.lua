-- Admits operations one after the other, each on all of its counters or on none. Returns 1 or 0 for each.
-- A window is what acquire.lua says. KEYS: the counters. ARGV: a JSON list of operations, each its time in ms, then its
-- hits: number of the key, operation id, allowed, amount, length of the window in ms.
local reply = {}

for number, operation in ipairs(cjson.decode(ARGV[1])) do
  local now, uncounted, planned, fits = operation[1], {}, {}, true
  for place = 2, #operation do
    local hit = operation[place]
    local key, id, allowed, amount, window = KEYS[hit[1]], hit[2], hit[3], hit[4], hit[5]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
    if not redis.call('ZSCORE', key, id) then
      uncounted[#uncounted + 1] = hit
      planned[key] = (planned[key] or redis.call('ZCARD', key)) + amount
      fits = fits and planned[key] <= allowed
    end
  end
  if fits then
    for _, hit in ipairs(uncounted) do
      local key, id = KEYS[hit[1]], hit[2]
      for unit = 1, hit[4] do
        redis.call('ZADD', key, now, unit == 1 and id or id .. '\n' .. unit)
      end
      redis.call('PEXPIRE', key, hit[5])
    end
  end
  reply[number] = fits and 1 or 0
end
return reply
