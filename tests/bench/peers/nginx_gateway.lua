-- What nginx_lua.conf runs for each request. Debian has no lua-resty-redis, so the one command that is needed is spoken here, over
-- the same cosockets and with the same pool of kept connections.
local gateway = {}
local settings, sha, script
local answers = ngx.shared.answers
local header = ngx.header

function gateway.configure(given)
    settings = given
    local file = assert(io.open(given.script))
    script = file:read("*a")
    file:close()
end

local function encode(...)
    local parts = { "*" .. select("#", ...) .. "\r\n" }
    for _, word in ipairs({ ... }) do
        word = tostring(word)
        parts[#parts + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
    end
    return table.concat(parts)
end

local function read(socket)
    local line, err = socket:receive()
    if not line then return nil, err end
    local kind, rest = line:sub(1, 1), line:sub(2)
    if kind == ":" then return tonumber(rest) end
    if kind == "-" then return nil, rest end
    if kind == "*" then
        local list = {}
        for at = 1, tonumber(rest) do list[at] = read(socket) end
        return list
    end
    if kind == "$" then return (socket:receive(tonumber(rest) + 2) or ""):sub(1, -3) end
    return rest
end

local function call(socket, ...)
    local sent, err = socket:send(encode(...))
    if not sent then return nil, err end
    return read(socket)
end

local function acquire(client)
    local socket = ngx.socket.tcp()
    socket:settimeout(1000)
    local connected, err = socket:connect("127.0.0.1", settings.redis_port)
    if not connected then return nil, err end
    if socket:getreusedtimes() == 0 then
        local ready, refused = call(socket, "AUTH", settings.redis_password)
        if not ready then return nil, refused end
    end
    if not sha then
        sha, err = call(socket, "SCRIPT", "LOAD", script)
        if not sha then return nil, err end
    end
    local decision, failed = call(socket, "EVALSHA", sha, 1, "nginx:" .. client, settings.limit, settings.window_seconds * 1000,
                                  ngx.var.request_id)
    if not decision then return nil, failed end
    socket:setkeepalive(60000, 128)
    return decision
end

local function refuse(status, text)
    ngx.status = status
    ngx.say('{"error":"' .. text .. '"}')
    return ngx.exit(status)
end

function gateway.admit()
    local given = ngx.var.http_x_api_key
    local client = given and settings.keys[given]
    if not client then return refuse(401, "unknown key") end
    local decision, err = acquire(client.id)
    if not decision then
        ngx.log(ngx.ERR, "Redis: ", err)
        return refuse(503, "try again")
    end
    local seconds = math.ceil(decision[3] / 1000)
    header["X-RateLimit-Limit"] = settings.limit
    header["X-RateLimit-Remaining"] = decision[2]
    header["X-RateLimit-Reset"] = ngx.time() + seconds
    header["RateLimit-Policy"] = '"' .. client.tier .. '";q=' .. settings.limit .. ";w=" .. settings.window_seconds
    header["RateLimit"] = '"' .. client.tier .. '";r=' .. decision[2] .. ";t=" .. seconds
    if decision[1] == 0 then return refuse(429, "too many requests") end
end

function gateway.answer()
    local body = answers:get(ngx.var.uri)
    if not body then return refuse(404, "not found") end
    header["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    header["Referrer-Policy"] = "no-referrer"
    header["X-Content-Type-Options"] = "nosniff"
    header["X-Frame-Options"] = "DENY"
    header["Cache-Status"] = "cache; hit"
    header["Age"] = 0
    header["Cache-Control"] = "no-cache"
    header["ETag"] = '"72c26aac314290c63d878140ee100136"'
    header["X-Request-Id"] = ngx.var.request_id
    header["Content-Length"] = #body
    ngx.print(body)
end

return gateway
