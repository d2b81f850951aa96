-- Takes an operation's units out of every window that has them.
-- KEYS: one a window. ARGV: operation id. Returns how many windows had it.
local found = 0
for _, key in ipairs(KEYS) do
  if redis.call('ZREM', key, ARGV[1]) == 1 then
    found = found + 1
    local unit = 2
    while redis.call('ZREM', key, ARGV[1] .. '\n' .. unit) == 1 do
      unit = unit + 1
    end
  end
end
return {found}
