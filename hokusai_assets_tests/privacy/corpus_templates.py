"""What the labelled corpora are made of: locales, and templates with and without personal data."""

from __future__ import annotations

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE",
)  # fmt: skip
# Locales and templates that came after the rules; what they showed amiss was mended as well.
OTHER_LOCALES = (
    "en_AU", "en_IN", "ja_JP", "zh_CN", "ru_RU", "tr_TR", "cs_CZ", "da_DK", "fi_FI", "no_NO",
    "ko_KR", "hu_HU", "ro_RO", "el_GR",
)  # fmt: skip

# Entities by their names in braces; those in small letters are filled too, but nobody's data.
TEMPLATES = {
    "en": (
        "Call me on {PHONE} after six", "my number is {PHONE}", "{name} can be reached at {PHONE}.",
        "Tel: {PHONE}, fax: {PHONE}", "New message from {PHONE}: are you home?",
        "Please text {PHONE} or write to {EMAIL}", "{company}, {PHONE}", "Contact {name} ({PHONE})",
        "he left me his phone number, {PHONE}, and hung up", "I'm at {EMAIL} all day",
        "Forward it to {EMAIL}; thanks", "login failed for {EMAIL} from {IP}",
        "user {EMAIL}", "cc {EMAIL}, {EMAIL} and {name}", "Blocked {IP} after 3 attempts",
        "the server at {IP} is down since 10:45", "ping {IP}: 23 ms", "{IP} - GET /index.html 200",
        "pay with {CARD} exp 04/27", "Card number: {CARD}", "charged 49.99 to {CARD} yesterday",
        "IBAN {IBAN}", "transfer 1,250.00 to {IBAN} by Friday", "account: {IBAN} ({name})",
        "send it to {ETHEREUM}", "my wallet {ETHEREUM} got 0.5 ETH", "donate BTC: {BITCOIN}",
        "{BITCOIN} received 0.01 BTC", "tip jar {BITCOIN} or {ETHEREUM}",
    ),
    "en_US": (
        "SSN: {SSN}", "my social is {SSN}, don't share it", "Applicant {name}, {SSN}, approved",
        "social security number {SSN} on file", "{SSN} belongs to {name}",
    ),
    "de": (
        "Ruf mich unter {PHONE} an", "Telefon: {PHONE}", "{name} ist unter {PHONE} erreichbar",
        "Meine Handynummer lautet {PHONE}", "{company}, {PHONE}", "Bitte an {EMAIL} schreiben",
        "Überweisung auf {IBAN} bis Montag", "Zugriff von {IP} gesperrt",
    ),
    "fr": (
        "Appelez-moi au {PHONE}", "Tél. : {PHONE}", "vous pouvez joindre {name} au {PHONE}",
        "mon numéro est le {PHONE}", "{company} - {PHONE}", "écrire à {EMAIL} svp",
        "virement sur {IBAN}", "connexion depuis {IP}",
    ),
    "es": (
        "Llámame al {PHONE}", "Teléfono: {PHONE}", "contacto: {name}, {PHONE}",
        "mi móvil es {PHONE}", "{company}, {PHONE}", "correo {EMAIL}", "transferencia a {IBAN}",
    ),
    "it": (
        "Chiamami al {PHONE}", "Tel. {PHONE}", "il mio cellulare è {PHONE}", "{company}, {PHONE}",
        "scrivi a {EMAIL}", "bonifico su {IBAN}",
    ),
    "nl": (
        "Bel me op {PHONE}", "Telefoon: {PHONE}", "mijn nummer is {PHONE}", "{company}, {PHONE}",
        "mail naar {EMAIL}", "overmaken naar {IBAN}",
    ),
    "pl": (
        "Zadzwoń pod {PHONE}", "tel. {PHONE}", "mój numer to {PHONE}", "{company}, {PHONE}",
        "napisz na {EMAIL}", "przelew na {IBAN}",
    ),
    "pt": (
        "Me liga no {PHONE}", "Telefone: {PHONE}", "meu celular é {PHONE}", "{company}, {PHONE}",
        "escreva para {EMAIL}",
    ),
    "sv": (
        "Ring mig på {PHONE}", "Telefon: {PHONE}", "mitt nummer är {PHONE}", "{company}, {PHONE}",
        "mejla {EMAIL}", "betala till {IBAN}",
    ),
}  # fmt: skip

OTHER_TEMPLATES = {
    "en": (
        "Any questions? Phone {name} on {PHONE}", "WhatsApp {PHONE}",
        "cell {PHONE} / office {PHONE}", "reach us: {PHONE}", "{PHONE} is the best number for me",
        "{name} | {company} | {PHONE}", "Emergency contact {name}: {PHONE}",
        "missed call from {PHONE} at 14:05", "Sent from {EMAIL}", "<{EMAIL}> wrote:",
        "mailto:{EMAIL}?subject=hi", "{name}, {EMAIL}, 42", "src={IP} dst={IP} proto=tcp",
        "whois {IP}", "from {IP} port 52211 ssh2", "[{IP}] denied",
        "visa ending, full number {CARD}", "{CARD}", "refund {CARD} 120 EUR, order 4471",
        "Please remit to {IBAN}.", "{IBAN}", "BIC and IBAN: {IBAN}", "bitcoin:{BITCOIN}",
        "withdraw 2 BTC to {BITCOIN} now", "from {ETHEREUM} to {ETHEREUM}",
        "eth address={ETHEREUM}",
        "please raise the limit of my card {CARD} for a month",
        "lost my wallet, so stop {CARD} at once",
        "bill {CARD} on the first instead",
        "bought it online but no text came to {PHONE}, can you check?",
        "has {name} rung lately? {PHONE}", "{name} {address} {PHONE}",
        "move all that I have to {IBAN}",
        "new address {address} for card {CARD}",
        "is {BITCOIN} where I pay to?", "{name}'s mail is {EMAIL}, as agreed",
        "what was last billed to {CARD}? tell me at {EMAIL}",
        "so {EMAIL} is still yours?", "I'm in {city}, call {PHONE}",
        "{name}\n{company}\n{address}\nPhone: {PHONE}", "Fax number: {PHONE}",
        "{company} sits at {address}. Tel: {PHONE}", "The IP {IP} was used",
        "Connection from {IP} closed", "Customer: {name}; Phone={PHONE}; Email={EMAIL}",
        "\"name\": \"{name}\", \"phone\": \"{PHONE}\"", "I was trying to reach {PHONE} all day",
        "If anyone finds my dog, {PHONE}", "reach out at {PHONE} x", "{PHONE} keeps ringing",
        "Ship to: {name}, {address}, {PHONE}", "ok so {PHONE} thats my new num",
        "forgot to give u my digits {PHONE}", "hmu {PHONE}", "WA: {PHONE}", "\U0001f4de {PHONE}",
        "T {PHONE} F {PHONE} M {PHONE}", "P: {PHONE}", "Ph. {PHONE}",
        "Office {PHONE}, Home {PHONE}", "wallet: {ETHEREUM}", "{ETHEREUM} -> {ETHEREUM}",
        "Send to IBAN: {IBAN}, thanks", "the iban is {IBAN}",
        "Access denied for {IP}, retry later", "router {IP} rebooted",
        "Please contact {EMAIL} or {PHONE} for details", "{PHONE}",
        "Guest {name} {PHONE} checked in", "Booking: {name}, {PHONE}, 2 nights",
        "Complaint by {name} ({PHONE}) about late delivery",
    ),
    "en_US": (
        "ssn={SSN}", "Employee {name} has {SSN} in the W-2", "tax id {SSN}, filed 2023",
        "my ssn is {SSN}", "{name} SSN {SSN}", "Tax form for {name}: {SSN}",
    ),
    "ja": ("電話番号は{PHONE}です", "連絡先: {PHONE}", "メール: {EMAIL}", "{name}（{PHONE}）"),
    "zh": ("请拨打{PHONE}", "我的手机号是{PHONE}", "邮箱：{EMAIL}", "{name} {PHONE}"),
    "ru": ("Позвоните по номеру {PHONE}", "тел. {PHONE}", "пишите на {EMAIL}", "{name}, {PHONE}"),
    "tr": ("Beni {PHONE} numarasından arayın", "Telefon: {PHONE}", "e-posta {EMAIL}"),
    "cs": ("Volejte {PHONE}", "tel.: {PHONE}", "pište na {EMAIL}"),
    "da": ("Ring til mig på {PHONE}", "tlf. {PHONE}", "skriv til {EMAIL}"),
    "fi": ("Soita numeroon {PHONE}", "puh. {PHONE}", "sähköposti {EMAIL}"),
    "no": ("Ring meg på {PHONE}", "tlf. {PHONE}", "e-post {EMAIL}"),
    "ko": ("전화번호는 {PHONE} 입니다", "연락처: {PHONE}", "이메일 {EMAIL}"),
    "hu": ("Hívjon a {PHONE} számon", "tel.: {PHONE}", "írjon ide: {EMAIL}"),
    "ro": ("Sunați la {PHONE}", "tel. {PHONE}", "scrieți la {EMAIL}"),
    "el": ("Καλέστε στο {PHONE}", "τηλ. {PHONE}", "γράψτε στο {EMAIL}"),
}  # fmt: skip

# Texts whose numbers are no personal data. Each field is drawn anew.
DISTRACTORS = (
    "order {n8} shipped", "Order #{n10} is on its way", "invoice INV-{n6} over {price} EUR",
    "ticket {n7} closed", "total {price}", "price: ${price}", "{n3} items at {price} each",
    "qty {n2}, weight {dec} kg", "{iso}", "{iso} {time}", "{iso}T{time}Z started",
    "on {eudate} at {hm}", "{usdate} {hm} PM", "epoch {unix}", "ts={unixms}", "version {ver3}",
    "v{ver4} released", "build {ver4} of {iso}", "Chrome/{ver4} on Windows", "{dec} x {dec} cm",
    "{dec} mm, {dec} mm", "lat {lat}, lon {lon}", "{lat} {lon}", "up {pct} since {year}",
    "{pct} of {n6} users", "ISBN {isbn}", "isbn: {isbn10}", "tracking {n12}",
    "Tracking number 1Z{n8}{n8}", "parcel {n14}", "part {code}", "SKU {code}-{n4}",
    "model {code}{n3}", "serial no. {n9}", "id {n10}", "{n5}", "{n9}", "{n7} rows, {n9} bytes",
    "between {year} and {year}", "{year}-{year}", "{hm}-{hm}", "{n3},{n3},{n3}", "{thousands}",
    "revenue of {thousands} dollars", "{n3} {n3} {n2} {n1}", "page {n3} of {n3}",
    "GET /item/{n8}?page={n2} 200 {n4}", "batch {n4}-{n4}", "lot {n6}/{n2}", "score {n2}:{n2}",
    "{n1}.{n3}e-{n1}", "temperature {dec} C at {hm}", "RGB({n3}, {n3}, {n3})",
    "PO {n10} for {n3} units", "flight LH{n4} on {eudate}", "room {n3}, floor {n1}",
    "population {thousands}", "{n16}", "hash {hex}", "uuid {uuid}", "account balance {price}",
    "EAN {n13}", "case {n2}-{n5}", "chapter {n1}.{n1}.{n1}", "ratio {n1}:{n2}", "{n4} kcal",
    "{n10} points", "sensor reading {dec},{dec},{dec}", "row {n6}: {dec}",
    "{price} {price} {price}", "{word} {n2} {word} {n4}", "{n11} {word}", "{word} {n10} {word}",
    "{word} {n3}-{n4} {word}",
)  # fmt: skip

OTHER_DISTRACTORS = (
    "Bestellung {n9} vom {eudate}", "Rechnung Nr. {n8}", "commande n° {n10}", "pedido {n9}",
    "注文番号 {n10}", "заказ {n8}", "zamówienie nr {n9}", "we sold {thousands} units in {year}",
    "shipment {n12} arrives {iso}", "SN:{n10}", "Invoice no {n4}/{n4}", "job {n8} took {dec}s",
    "{time}.{n3} INFO took {n4} ms", "{usdate}: {price} USD", "kernel {ver4}-generic",
    "app {ver3}.{n4}", "OID {ver4}.{n2}", "elevation {n4} m, {lat}N {lon}E", "[{lat}, {lon}]",
    "{pct} / {pct} / {pct}", "ISBN-13: {isbn}", "barcode {n13}", "DHL {n10}", "FedEx {n12}",
    "USPS 9400 {n4} {n4} {n4} {n4} {n2}", "P/N {code}", "{code}/{code}", "asset tag {n7}",
    "{n10}", "{n12}", "seed={n10}", "pid {n5}", "{word}: {n8}", "{word}={unix}", "{n3}.{n3}.{n3}",
    "{n2}/{n2}/{n4}", "{n4}-{n2}-{n2} {hm}", "size {n4}x{n4}", "{n6},{n2}", "{n1},{n3},{n3}.{n2}",
    "~{n7} km", "{n9} EUR", "mileage {n6} km", "{word} {n9}", "error 0x{n8}", "{n5}-{n4}",
    "{n2} {n2} {n2} {n2} {n2} {n2}", "{dec} {dec} {dec} {dec}", "The package weighs {dec} kg",
    "Delivered on {iso}", "Your order {n9} has shipped", "invoice total ${price}",
    "build {ver4} released", "Room {n3}", "score {n2}-{n2}", "The {n4} model costs {price}",
    "ISBN {isbn}", "Flight AA{n4} gate {n2}", "GPS: {lat}, {lon}", "Tracking: {n12}",
    "Tracking 1Z{n8}{n8}", "Updated {n6} records in {n3} ms", "{pct} increase vs {year}",
    "Part no. {code}", "PN {n3}-{n5}-{n2}", "timestamp={unix}", "{unixms}", "id={n10}",
    "Serial: {code}{n8}", "size: {n3}x{n3}x{n3} mm", "Ref {n8}", "case no {n4}/{year}",
    "{thousands} views", "meter reading {n8} kWh", "tax code {n4}L", "Population: {thousands}",
    "Page {n2} of {n3}, line {n4}", "Lot {n5}-{n3}", "Ticket {n7} resolved in {n2} min",
    "Customer {n8} bought {n2} units", "Windows {ver4}", "patch {ver3} out {iso}",
    "{eudate} {hm}: {price} EUR", "{usdate} {time}", "From {iso} to {iso}", "{n10} bytes free",
    "heart rate {n2}-{n3} bpm", "BP {n3}/{n2}", "{dec},{dec}", "{dec};{dec};{dec}",
    "Zip {n5}-{n4}", "{n5}-{n4} zip", "Case {year}-{n6}", "{year}/{n5}", "EAN {n13}",
    "GTIN {n14}", "UPC {n12}", "barcode {n13} scanned", "parcel {n11}", "DHL {n10} arrived",
    "{n3}-{n2} win", "RAM {n5} MB", "checksum {n10}", "PIN {n4}", "OTP {n6}", "code {n8}",
    "seat {n2}A", "item {n6} qty {n2} at {price}", "Total: {n3} {n3},{n2}",
)  # fmt: skip
