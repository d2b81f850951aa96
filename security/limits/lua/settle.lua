-- Drops a reservation's holds, and counts what the call really took, once.
-- KEYS: as for reserve. ARGV: reservation id, 1 to count or 0 to release, tokens, money, the largest sum, ms to keep the
-- marker, then ms to keep each account. Returns 1 where it was counted.
local id, tokens, money = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local counts = ARGV[2] == '1' and redis.call('EXISTS', KEYS[1]) == 0

local function number(value)
  return string.format('%.0f', value)
end

local function add(account, name, amount)
  local sum = tonumber(redis.call('HGET', account, name) or '0') + amount
  redis.call('HSET', account, name, number(math.min(sum, tonumber(ARGV[5]))))
end

for i = 1, (#KEYS - 1) / 2 do
  local account, expiries = KEYS[2 * i], KEYS[2 * i + 1]
  local text = redis.call('HGET', account, 'hold:' .. id)
  if text then
    local held_tokens, held_money = string.match(text, '^(%d+) (%d+)$')
    redis.call('ZREM', expiries, id)
    redis.call('HDEL', account, 'hold:' .. id)
    redis.call('HINCRBY', account, 'held_tokens', number(0 - tonumber(held_tokens)))
    redis.call('HINCRBY', account, 'held_micro_usd', number(0 - tonumber(held_money)))
  end
  -- An account that is not there will begin with what the database knows by then.
  if counts and redis.call('HEXISTS', account, 'tokens') == 1 then
    add(account, 'tokens', tokens)
    add(account, 'micro_usd', money)
    redis.call('PEXPIRE', account, ARGV[6 + i])
  end
end
if counts then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[6])
end
return {counts and 1 or 0}
