-- A receipt of twelve parameters with a new messageId each time, or a request to send a message. The numbers are
-- never assigned to anybody.
local count, transport = 0, "get"
local head = "msisdn=447700900001&to=AcmeInc&network-code=23410&messageId="
local tail = "&price=0.03330000&status=delivered&scts=2001011400&err-code=0&api-key=abcd1234&client-ref=bench" ..
  "&message-timestamp=2020-01-01+12%3A00%3A00&extra=1"
local json = '{"msisdn":"447700900001","to":"AcmeInc","network-code":"23410","messageId":"%s","price":"0.03330000",' ..
  '"status":"delivered","scts":"2001011400","err-code":"0","api-key":"abcd1234","client-ref":"bench",' ..
  '"message-timestamp":"2020-01-01 12:00:00","extra":"1"}'
local sms = "api_key=abcd1234&api_secret=S3cretSimulator&from=AcmeInc&text=A+message&to="
local recipients = {sms = "447700900000", unreceipted = "447700900105"} -- delivered; never a receipt
local form = {["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"}

init = function(args)
  transport = args[1] or "get"
end

request = function()
  if recipients[transport] then
    return wrk.format("POST", wrk.path, form, sms .. recipients[transport])
  end
  count = count + 1
  local id = string.format("0A%014X", count)
  if transport == "form" then
    return wrk.format("POST", wrk.path, form, head .. id .. tail)
  elseif transport == "json" then
    return wrk.format("POST", wrk.path, {["Content-Type"] = "application/json"}, string.format(json, id))
  end
  return wrk.format("GET", wrk.path .. "?" .. head .. id .. tail)
end

done = function(summary, latency)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status +
    summary.errors.timeout
  io.write(string.format("BENCH %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99), errors))
end
