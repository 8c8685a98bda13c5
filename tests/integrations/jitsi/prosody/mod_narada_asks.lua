-- Asks Narada as Jitsi's module for reservations does, with Prosody's own HTTP client, form encoding and JSON, and
-- writes down what came back. Written for the tests of Narada from what was seen on the wire; no code of Jitsi's.
--
-- narada_steps: a file with a JSON list of steps, taken one after another:
--   {"do": "create", "name": "…", "owner": "…"}   POST, then GET where somebody else has it
--   {"do": "remove"}                              DELETE of what was created last
--   {"do": "call", "method": "…", "path": "…"}    anything else without a body
-- narada_heard: a file that gets a line of JSON for each step, then the word "done".

local http = require "net.http";
local json = require "util.json";
local timer = require "util.timer";
local datetime = require "util.datetime";

local prefix = module:get_option_string("narada_prefix");
local key = module:get_option_string("narada_key");
local retries = module:get_option_number("narada_retries", 3);
local delay = module:get_option_number("narada_delay", 3);
local timeout = module:get_option_number("narada_timeout", 20);

local headers = {
	["User-Agent"] = "Prosody (" .. prosody.version .. "; " .. prosody.platform .. ")";
	["Authorization"] = "Bearer " .. key;
};
local steps = json.decode(assert(io.open(module:get_option_string("narada_steps"))):read("a"));
local heard = assert(io.open(module:get_option_string("narada_heard"), "a"));
local last_id;

local function write(line)
	heard:write(line, "\n");
	heard:flush();
end

-- Repeats after errors of the server and where nobody listens, never after a timeout.
local function send(method, path, body, left, done)
	local is_over = false;
	local request = http.request(prefix .. path, { method = method, body = body, headers = headers }, function (answer, code)
		if is_over then return; end
		is_over = true;
		if (code == 0 or code >= 500) and left > 0 then
			timer.add_task(delay, function () send(method, path, body, left - 1, done); end);
		else
			done(answer, code);
		end
	end);
	timer.add_task(timeout, function ()
		if is_over then return; end
		is_over = true;
		http.destroy_request(request);
		done(nil, "timeout");
	end);
end

-- What is understood of an answer: what each value is here, and the end as a Unix time.
local function read(answer, code)
	local found = { code = code, body = answer };
	local told = answer and json.decode(answer);
	if type(told) ~= "table" then
		return found;
	end
	found.kinds = {};
	for name, value in pairs(told) do
		found.kinds[name] = math.type(value) or type(value);
	end
	if code == 200 then
		found.id = told.id;
		found.name = told.name;
		found.expires_at = datetime.parse(told.start_time) + tonumber(told.duration);
		found.now = os.time();
	else
		found.message = told.message;
		found.conflict_id = told.conflict_id;
	end
	return found;
end

local act = {};

function act.create(step, done)
	local now = os.time();
	local body = http.formencode({
		name = step.name;
		mail_owner = step.owner;
		start_time = os.date("!%Y-%m-%dT%H:%M:%S", now) .. ".000Z";
	});
	send("POST", "/conference", body, retries, function (answer, code)
		local found = read(answer, code);
		last_id = found.id or last_id;
		if code ~= 409 then
			return done(found);
		end
		send("GET", "/conference/" .. found.conflict_id, nil, retries, function (other, other_code)
			done(read(other, other_code));
		end);
	end);
end

function act.remove(_, done)
	send("DELETE", "/conference/" .. last_id, nil, retries, function (answer, code)
		done(read(answer, code));
	end);
end

function act.call(step, done)
	send(step.method, step.path, nil, retries, function (answer, code)
		done(read(answer, code));
	end);
end

local function go_on(number)
	local step = steps[number];
	if not step then
		return write("done");
	end
	act[step["do"]](step, function (found)
		write(json.encode(found));
		go_on(number + 1);
	end);
end

module:add_timer(0.1, function () go_on(1); end);
