-- wrk's side of a measurement. BENCH_PLACES: ask for one of so many places at random; BENCH_DEPTH: send so many requests at once.
-- Says what it measured as one line of JSON.
local places = tonumber(os.getenv("BENCH_PLACES"))
local depth = tonumber(os.getenv("BENCH_DEPTH") or "1")

function init()
    local once = wrk.format()
    local many = string.rep(once, depth)
    if places then
        local prefix = wrk.path
        request = function() return wrk.format("GET", prefix .. math.random(1, places)) end
    elseif depth > 1 then
        request = function() return many end
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p99":%.3f,"p999":%.3f,"refused":%d,"broken":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
