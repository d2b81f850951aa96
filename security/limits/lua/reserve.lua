-- Holds an estimate on every account, or on none. Returns 0 or the number of the first account that cannot cover it,
-- then for each account tokens and micro_usd spent and held.
-- KEYS: the reservation's marker of being settled, then for each account its hash and its sorted set of expiries.
-- ARGV: now, reservation id, tokens, money, expiry in ms, then for each account: tokens and money allowed (-1 is no
-- limit), tokens and money recorded elsewhere (-1: to be asked for, by a negative reply), ms to keep it. The hash holds tokens and micro_usd spent,
-- held_tokens and held_micro_usd, and under 'hold:' and an id what that reservation holds.
local now, id, expires = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[5])
local tokens, money = tonumber(ARGV[3]), tonumber(ARGV[4])
local settled = redis.call('EXISTS', KEYS[1]) == 1
local accounts, refusing = (#KEYS - 1) / 2, 0

local function number(value)
  return string.format('%.0f', value)
end

local function hold(account, key)
  local text = redis.call('HGET', account, 'hold:' .. key)
  if not text then
    return 0, 0
  end
  local held_tokens, held_money = string.match(text, '^(%d+) (%d+)$')
  return tonumber(held_tokens), tonumber(held_money)
end

local function drop(account, expiries, key)
  local held_tokens, held_money = hold(account, key)
  redis.call('ZREM', expiries, key)
  redis.call('HDEL', account, 'hold:' .. key)
  redis.call('HINCRBY', account, 'held_tokens', number(0 - held_tokens))
  redis.call('HINCRBY', account, 'held_micro_usd', number(0 - held_money))
end

local function field(account, name)
  return tonumber(redis.call('HGET', account, name) or '0')
end

for i = 1, accounts do
  if ARGV[5 * i + 3] == '-1' and redis.call('HEXISTS', KEYS[2 * i], 'tokens') == 0 then
    return {-i}
  end
end

for i = 1, accounts do
  local account, expiries, base = KEYS[2 * i], KEYS[2 * i + 1], 5 * i
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now)) do
    drop(account, expiries, key)
  end
  redis.call('HSETNX', account, 'tokens', ARGV[base + 3])
  redis.call('HSETNX', account, 'micro_usd', ARGV[base + 4])
  local own_tokens, own_money = hold(account, id)
  local all_tokens = field(account, 'tokens') + field(account, 'held_tokens') - own_tokens + tokens
  local all_money = field(account, 'micro_usd') + field(account, 'held_micro_usd') - own_money + money
  local allowed_tokens, allowed_money = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2])
  if refusing == 0 and not settled and (allowed_tokens >= 0 and all_tokens > allowed_tokens
                                         or allowed_money >= 0 and all_money > allowed_money) then
    refusing = i
  end
end

local reply = {refusing}
for i = 1, accounts do
  local account, expiries = KEYS[2 * i], KEYS[2 * i + 1]
  if refusing == 0 and not settled then
    drop(account, expiries, id)
    redis.call('ZADD', expiries, number(expires), id)
    redis.call('HSET', account, 'hold:' .. id, number(tokens) .. ' ' .. number(money))
    redis.call('HINCRBY', account, 'held_tokens', number(tokens))
    redis.call('HINCRBY', account, 'held_micro_usd', number(money))
  end
  redis.call('PEXPIRE', account, ARGV[5 * i + 5])
  redis.call('PEXPIRE', expiries, ARGV[5 * i + 5])
  for _, name in ipairs({'tokens', 'micro_usd', 'held_tokens', 'held_micro_usd'}) do
    reply[#reply + 1] = field(account, name)
  end
end
return reply
