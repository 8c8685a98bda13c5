{% autoescape off %}// /etc/jitsi/meet/{{ server.xmpp_domain }}-config.js: at the end of the file.
// Who opens a conference without a token is sent to Narada.
config.tokenAuthUrl = '{{ token_auth }}';
// Joining by telephone
config.dialInConfCodeUrl = '{{ dial_in_code }}';
config.dialInNumbersUrl = '{{ dial_in_numbers }}';
{% endautoescape %}
