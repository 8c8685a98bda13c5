{% autoescape off %}-- Narada on {{ server.xmpp_domain }}: {{ base_url }}
{% if is_docker %}-- ${CONFIG}/prosody/config/conf.d/narada.cfg.lua; which modules are loaded is said in .env.
{% else %}-- /etc/prosody/conf.avail/narada.cfg.lua, with a link to it in /etc/prosody/conf.d.
-- Which modules are loaded is said in the file of the package, see modules.lua.
{% endif %}-- Prosody reads the folder in any order: no option may stand in this file and in another one.
-- It holds keys: chmod 640, readable for Prosody alone.
{% if is_controlled %}
-- The keys for ending conferences, speaking into them and removing people. Without this line, or with the address of the
-- keys for entering, everybody's token would do all of that (P2).
prosody_password_public_key_repo_url = "{{ control_keys }}"
{% endif %}
VirtualHost "{{ server.xmpp_domain }}"
{% if not is_docker %}    -- Who enters. authentication, app_id and app_secret are in the file of the package: jitsi-meet-tokens puts them there.
    signature_algorithm = "{{ server.algorithm }}"
{% if is_rs256 %}    asap_key_server = "{{ login_keys }}"
{% endif %}    asap_accepted_issuers = { "{{ app_id }}" }
    asap_accepted_audiences = { "jitsi" }
    allow_empty_token = false
    -- Off, the domain in a token counts for nothing, and guests enter everywhere (P14).
    enable_domain_verification = true
{% endif %}{% if is_rs256 %}    -- cache_keys_url stays unset: with it the endpoints above take the tokens for entering as well (P2).
{% endif %}
    -- Whether a conference may begin. While nobody answers, none does (P6).
{% if not is_docker %}    reservations_api_prefix = "{{ reservations }}"
{% endif %}    reservations_api_headers = { ["Authorization"] = "Bearer {{ keys.reservations }}" }
    -- A request without an answer is not repeated; an answer with 500 and above is.
    reservations_api_timeout = 5
    reservations_api_retry_count = 3
    reservations_api_retry_delay = 1
    -- Needs muc_max_occupants with a number, below.
    reservations_enable_max_occupants = true
    -- These would shut out the organizer (P5), and everybody has a token of their own.
    reservations_enable_lobby_support = false
    reservations_enable_password_support = false

    -- Who is where. Port 5280 is open inside only; with true the tokens for entering would be asked for, not ours.
    enable_roomsize_token_verification = false

Component "{{ server.conferences_domain }}" "muc"
    -- The organizer is moderator, nobody else: by token_affiliation, with enable-auto-owner = false in Jicofo (P11).
    wait_for_host_disable_auto_owners = true
    token_verification_require_token_for_moderation = true
{% if not is_docker %}    -- For every conference together with what a session asks for. Must be a number above 0.
    muc_max_occupants = {{ max_occupants }}
    muc_access_whitelist = { "focus@auth.{{ server.xmpp_domain }}"; "recorder@{{ recorder_domain }}" }
{% endif %}    -- Recorders have no token (P18).
    token_verification_allowlist = { "{{ recorder_domain }}" }

-- Who came and went, as far as we need to know: no names, no addresses (P17).
Component "esync.{{ server.xmpp_domain }}" "event_sync_component"
    muc_component = "{{ server.conferences_domain }}"
    breakout_component = "breakout.{{ server.xmpp_domain }}"
    api_prefix = "{{ events }}"
    api_headers = { ["Authorization"] = "Bearer {{ keys.events }}" }
    api_timeout = 5
    api_retry_count = 5
    api_retry_delay = 2
    include_speaker_stats = false
    include_user_info = false
{% endautoescape %}
