{% autoescape off %}-- In /etc/prosody/conf.avail/{{ server.xmpp_domain }}.cfg.lua, the file of the package jitsi-meet-prosody.
-- Names to add to the lists that are there already; the rest of each list stays. In the VirtualHost the package has
-- authentication = "token", app_id = "{{ app_id }}" and app_secret: {% if is_rs256 %}anything, as it is not asked for any more{% else %}{{ app_secret }} of Narada{% endif %}.

VirtualHost "{{ server.xmpp_domain }}"
    modules_enabled = {
        "reservations";
        "muc_size";
        "muc_census";
{% if is_controlled %}        "muc_end_meeting";
        "muc_kick_participant";
        "system_chat_message";
{% endif %}    }

Component "{{ server.conferences_domain }}" "muc"
    modules_enabled = {
        "token_verification";
        "token_affiliation";
        "muc_max_occupants";
    }

-- At the top of the file, where Prosody looks for modules: event_sync is one of github.com/jitsi-contrib/prosody-plugins.
-- plugin_paths = { "/usr/share/jitsi-meet/prosody-plugins/"; "/usr/local/share/prosody-plugins-contrib/event_sync/" }

-- To remove: the VirtualHost "guest.{{ server.xmpp_domain }}", if there is one. Guests have tokens of their own (P14).
{% endautoescape %}
