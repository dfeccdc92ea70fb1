/*
 * What KCalendarCore (KMail, Kontact, KOrganizer) reads in .ics files as a scheduling client, compared with what was meant.
 * usage: scheduling FACTS.json FILE.ics...      the same facts as calendar.py, found by the address of the ATTENDEE
 * exit 1 with failures, 2 for usage
 *
 * parseScheduleMessage looks no zone up in the file and forgives nearly every octet; what it adds is a reader that decides:
 * which method, which instants, whom to answer, whether an answer is wanted.
 */
#include <cstdio>

#include <QDateTime>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QMap>
#include <QRegularExpression>
#include <QSet>
#include <QStringList>
#include <QTimeZone>

#include <KCalendarCore/Attendee>
#include <KCalendarCore/Event>
#include <KCalendarCore/ICalFormat>
#include <KCalendarCore/MemoryCalendar>
#include <KCalendarCore/ScheduleMessage>

using namespace KCalendarCore;

static int failures;
static QStringList complaints;

/* The library says on Qt's log what libical's table of RFC 5546 says of the object, and goes on. */
static void listen(QtMsgType, const QMessageLogContext &, const QString &message)
{
    const QStringList lines = message.split(QStringLiteral("\\n"));
    for (const QString &line : lines) {
        QString what = line.trimmed();
        what.remove(QRegularExpression(QStringLiteral("^\"[A-Za-z]*\" : ")));
        what.remove(QLatin1Char('"'));
        if (!what.isEmpty() && what != QLatin1String("kcalcore library reported a problem while parsing:") && !complaints.contains(what))
            complaints.append(what);
    }
}

static void fail(const QString &file, QString what)
{
    /* values may hold line breaks; one failure is one line */
    std::printf("%s: %s\n", qPrintable(file), qPrintable(what.replace(QLatin1Char('\n'), QLatin1Char(' '))));
    failures++;
}

static void differs(const QString &file, const char *name, const QString &found, const QString &meant)
{
    if (found != meant)
        fail(file, QStringLiteral("%1 is \"%2\", not \"%3\"").arg(QLatin1String(name), found, meant));
}

static QString statusName(Incidence::Status status)
{
    switch (status) {
    case Incidence::StatusConfirmed:
        return QStringLiteral("CONFIRMED");
    case Incidence::StatusCanceled:
        return QStringLiteral("CANCELLED");
    case Incidence::StatusTentative:
        return QStringLiteral("TENTATIVE");
    case Incidence::StatusNone:
        return QStringLiteral("none");
    default:
        return QStringLiteral("other");
    }
}

static QString partStatName(Attendee::PartStat partStat)
{
    switch (partStat) {
    case Attendee::NeedsAction:
        return QStringLiteral("NEEDS-ACTION");
    case Attendee::Accepted:
        return QStringLiteral("ACCEPTED");
    case Attendee::Declined:
        return QStringLiteral("DECLINED");
    case Attendee::Tentative:
        return QStringLiteral("TENTATIVE");
    case Attendee::Delegated:
        return QStringLiteral("DELEGATED");
    default:
        return QStringLiteral("other");
    }
}

static void checkEvent(const QString &file, const QString &method, const Event::Ptr &event, const QJsonObject &meant)
{
    const auto text = [&](const char *key) { return meant.value(QLatin1String(key)).toString(); };
    const auto has = [&](const char *key) { return meant.contains(QLatin1String(key)); };
    if (has("method"))
        differs(file, "METHOD", method, text("method"));
    const auto instant = [&](const char *key, const char *name, const QDateTime &found) {
        if (event->allDay() || !found.isValid())
            fail(file, QStringLiteral("%1 is no time").arg(QLatin1String(name)));
        else if (found.timeSpec() == Qt::LocalTime)
            fail(file, QStringLiteral("%1 is floating").arg(QLatin1String(name)));
        else if (has(key))
            differs(file, name, found.toUTC().toString(Qt::ISODate), text(key));
    };
    instant("start", "DTSTART", event->dtStart());
    instant("end", "DTEND", event->dtEnd());
    if (event->organizer().email().isEmpty())
        fail(file, QStringLiteral("no ORGANIZER"));
    if (event->organizer().name().isEmpty())
        fail(file, QStringLiteral("ORGANIZER has no CN"));
    if (has("organizer"))
        differs(file, "ORGANIZER", event->organizer().email().toLower(), text("organizer").toLower());
    if (has("organizer_cn"))
        differs(file, "ORGANIZER CN", event->organizer().name(), text("organizer_cn"));
    const Attendee attendee = event->attendees().constFirst();
    if (has("cn"))
        differs(file, "CN", attendee.name(), text("cn"));
    if (method == QLatin1String("REQUEST") || has("partstat")) {
        differs(file, "PARTSTAT", partStatName(attendee.status()), has("partstat") ? text("partstat") : QStringLiteral("NEEDS-ACTION"));
    }
    if (attendee.role() != Attendee::ReqParticipant)
        fail(file, QStringLiteral("ROLE is not REQ-PARTICIPANT"));
    if (method == QLatin1String("REQUEST") && !attendee.RSVP())
        fail(file, QStringLiteral("no answer wanted"));
    if (has("uid"))
        differs(file, "UID", event->uid(), text("uid"));
    if (has("summary"))
        differs(file, "SUMMARY", event->summary(), text("summary"));
    if (has("location"))
        differs(file, "LOCATION", event->location(), text("location"));
    if (has("sequence") && event->revision() != meant.value(QLatin1String("sequence")).toInt())
        fail(file, QStringLiteral("SEQUENCE is %1").arg(event->revision()));
    const QString status = statusName(event->status());
    if (has("status"))
        differs(file, "STATUS", status, text("status"));
    if (method == QLatin1String("CANCEL"))
        differs(file, "STATUS", status, QStringLiteral("CANCELLED"));
    else if (status != QLatin1String("CONFIRMED") && status != QLatin1String("TENTATIVE"))
        fail(file, QStringLiteral("STATUS is %1 in a REQUEST").arg(status));
    const QJsonArray words = meant.value(QLatin1String("description_contains")).toArray();
    for (const QJsonValue &word : words) {
        if (!event->description().contains(word.toString()))
            fail(file, QStringLiteral("DESCRIPTION lacks \"%1\"").arg(word.toString()));
    }
}

/* The address of the one attendee, empty where there is none. */
static QString checkFile(const QString &file, const QByteArray &octets, const QJsonObject &facts)
{
    const QString string = QString::fromUtf8(octets);
    if (string.toUtf8() != octets) {
        fail(file, QStringLiteral("not UTF-8"));
        return QString();
    }
    ICalFormat format;
    const MemoryCalendar::Ptr calendar(new MemoryCalendar(QTimeZone::utc()));
    const ScheduleMessage::Ptr message = format.parseScheduleMessage(calendar, string);
    if (!message) {
        fail(file, QStringLiteral("not a scheduling message"));
        return QString();
    }
    const QString method = message->method() == iTIPRequest ? QStringLiteral("REQUEST")
        : message->method() == iTIPCancel                    ? QStringLiteral("CANCEL")
                                                             : ScheduleMessage::methodName(message->method());
    if (method != QLatin1String("REQUEST") && method != QLatin1String("CANCEL")) {
        fail(file, QStringLiteral("METHOD is %1, which an organizer does not send").arg(method));
        return QString();
    }
    const Event::Ptr event = message->event().dynamicCast<Event>();
    if (!event) {
        fail(file, QStringLiteral("no event"));
        return QString();
    }
    if (event->attendees().size() != 1) {
        fail(file, QStringLiteral("%1 ATTENDEEs").arg(event->attendees().size()));
        return QString();
    }
    const QString address = event->attendees().constFirst().email().toLower();
    QJsonObject meant = facts;
    const QJsonObject messages = meant.take(QStringLiteral("messages")).toObject();
    if (!messages.isEmpty()) {
        if (!messages.contains(address)) {
            fail(file, QStringLiteral("ATTENDEE %1 is nobody in the facts").arg(address));
            return address;
        }
        const QJsonObject own = messages.value(address).toObject();
        for (auto entry = own.constBegin(); entry != own.constEnd(); ++entry)
            meant.insert(entry.key(), entry.value());
    }
    checkEvent(file, method, event, meant);
    return address;
}

/* A misspelt key would be a check that never runs. */
static bool isKnown(const QJsonObject &facts, bool isOuter)
{
    static const QSet<QString> keys = {
        QStringLiteral("method"),   QStringLiteral("start"),   QStringLiteral("end"),      QStringLiteral("organizer"),
        QStringLiteral("sequence"), QStringLiteral("status"),  QStringLiteral("partstat"), QStringLiteral("organizer_cn"),
        QStringLiteral("uid"),      QStringLiteral("summary"), QStringLiteral("location"), QStringLiteral("description_contains"),
        QStringLiteral("cn"),       QStringLiteral("subject"),
    };
    const QStringList found = facts.keys();
    for (const QString &key : found) {
        const bool isMessages = isOuter && key == QLatin1String("messages");
        if (!isMessages && !keys.contains(key)) {
            std::fprintf(stderr, "unknown key %s\n", qPrintable(key));
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s FACTS.json FILE.ics...\n", argv[0]);
        return 2;
    }
    qInstallMessageHandler(listen);
    QFile factsFile(QString::fromLocal8Bit(argv[1]));
    QJsonParseError fault;
    if (!factsFile.open(QIODevice::ReadOnly)) {
        std::fprintf(stderr, "%s: %s\n", argv[1], qPrintable(factsFile.errorString()));
        return 2;
    }
    const QJsonDocument document = QJsonDocument::fromJson(factsFile.readAll(), &fault);
    if (!document.isObject()) {
        std::fprintf(stderr, "%s: %s\n", argv[1], qPrintable(fault.errorString()));
        return 2;
    }
    QJsonObject facts = document.object();
    QJsonObject messages;
    const QJsonObject written = facts.value(QStringLiteral("messages")).toObject();
    for (auto entry = written.constBegin(); entry != written.constEnd(); ++entry) {
        if (!isKnown(entry.value().toObject(), false))
            return 2;
        messages.insert(entry.key().toLower(), entry.value());
    }
    if (!isKnown(facts, true))
        return 2;
    if (!messages.isEmpty())
        facts.insert(QStringLiteral("messages"), messages);

    QMap<QString, QString> seen;
    for (int i = 2; i < argc; i++) {
        const QString name = QString::fromLocal8Bit(argv[i]);
        QFile file(name);
        if (!file.open(QIODevice::ReadOnly)) {
            fail(name, file.errorString());
            continue;
        }
        complaints.clear();
        const QString address = checkFile(name, file.readAll(), facts);
        for (const QString &complaint : qAsConst(complaints))
            fail(name, complaint);
        if (address.isEmpty() || messages.isEmpty())
            continue;
        if (seen.contains(address))
            fail(name, QStringLiteral("ATTENDEE also in %1").arg(seen.value(address)));
        seen.insert(address, name);
    }
    const QStringList expected = messages.keys();
    for (const QString &address : expected) {
        if (!seen.contains(address))
            fail(QString::fromLocal8Bit(argv[1]), QStringLiteral("no calendar for %1").arg(address));
    }
    std::printf("%d calendars, %d failures\n", argc - 2, failures);
    return failures ? 1 : 0;
}
